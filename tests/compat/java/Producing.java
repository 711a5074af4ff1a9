// SPDX-License-Identifier: Apache-2.0
// Sends the records of a file and checks each acknowledgement.

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

final class Producing {
    private Producing() {}

    /** Latin-1 keeps every byte. */
    private static byte[] bytes(String word) {
        return word.equals("\\N") ? null : word.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static List<Header> headers(String word) {
        List<Header> headers = new ArrayList<>();
        for (String pair : word.isEmpty() ? new String[0] : word.split(",")) {
            int at = pair.indexOf('=');
            headers.add(new RecordHeader(pair.substring(0, at), bytes(pair.substring(at + 1))));
        }
        return headers;
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, String line) {
        String[] w = line.split("\t", -1);
        Integer partition = w[0].equals("-") ? null : Integer.valueOf(w[0]);
        return new ProducerRecord<>(topic, partition, Long.valueOf(w[1]), bytes(w[2]), bytes(w[4]),
                headers(w[3]));
    }

    /** Sends all lines, waits for all answers; throws if one is an error. */
    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, String path)
            throws Exception {
        AtomicLong acknowledged = new AtomicLong();
        AtomicReference<Exception> error = new AtomicReference<>();
        long sent = 0;
        try (BufferedReader in = Files.newBufferedReader(Paths.get(path),
                StandardCharsets.ISO_8859_1)) {
            for (String line = in.readLine(); line != null; line = in.readLine(), sent++) {
                producer.send(record(topic, line), (metadata, e) -> {
                    if (e == null)
                        acknowledged.incrementAndGet();
                    else
                        error.compareAndSet(null, e);
                });
            }
        }
        producer.flush();
        if (error.get() != null)
            throw error.get();
        if (acknowledged.get() != sent)
            throw new IOException(acknowledged + " of " + sent + " records acknowledged");
    }

    private static KafkaProducer<byte[], byte[]> producer(Properties settings) {
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static String produce(String broker, String topic, String codec, String path,
                          boolean idempotent) throws Exception {
        Properties settings = Driver.properties(broker, "acks", "all", "linger.ms", "5",
                "compression.type", codec, "enable.idempotence", String.valueOf(idempotent));
        try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
            send(producer, topic, path);
        }
        return "";
    }

    static String transaction(String broker, String topic, String path) throws Exception {
        Properties settings = Driver.properties(broker, "transactional.id", topic,
                "linger.ms", "5");
        try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
            producer.initTransactions();
            producer.beginTransaction();
            send(producer, topic, path);
            producer.commitTransaction();
            producer.beginTransaction();
            send(producer, topic, path);
            producer.abortTransaction();
        }
        return "";
    }
}
