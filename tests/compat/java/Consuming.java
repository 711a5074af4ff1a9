// SPDX-License-Identifier: Apache-2.0
// Reads by assignment or in a group and writes down what came; lists offsets.

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

final class Consuming {
    private static final long SILENCE_MS = 30_000;

    private Consuming() {}

    private static KafkaConsumer<byte[], byte[]> consumer(Properties settings) {
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }

    private static List<TopicPartition> partitions(KafkaConsumer<byte[], byte[]> consumer,
                                                   String topic) {
        List<TopicPartition> found = new ArrayList<>();
        for (PartitionInfo p : consumer.partitionsFor(topic))
            found.add(new TopicPartition(topic, p.partition()));
        return found;
    }

    private static void put(OutputStream out, byte[] bytes) throws IOException {
        out.write(bytes == null ? "\\N".getBytes(StandardCharsets.ISO_8859_1) : bytes);
    }

    private static void put(OutputStream out, String text) throws IOException {
        put(out, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void write(OutputStream out, ConsumerRecord<byte[], byte[]> r)
            throws IOException {
        put(out, r.partition() + "\t" + r.offset() + "\t" + r.timestamp() + "\t");
        put(out, r.key());
        String separator = "\t";
        for (Header h : r.headers()) {
            put(out, separator + h.key() + "=");
            put(out, h.value());
            separator = ",";
        }
        put(out, separator.equals(",") ? "\t" : "\t\t");
        put(out, r.value());
        out.write('\n');
    }

    /** Where to begin, for each partition that `where` names. */
    private static Map<TopicPartition, Long> begin(KafkaConsumer<byte[], byte[]> consumer,
                                                   String topic, String where) {
        String[] w = where.split(":");
        if (w[0].equals("offset"))
            return Collections.singletonMap(new TopicPartition(topic, Integer.parseInt(w[1])),
                    Long.valueOf(w[2]));
        List<TopicPartition> all = partitions(consumer, topic);
        return w[0].equals("time") ? at(consumer, all, Long.parseLong(w[1]))
                : consumer.beginningOffsets(all);
    }

    /** The first offsets that are not older than `ms`; the end where there is none. */
    private static Map<TopicPartition, Long> at(KafkaConsumer<byte[], byte[]> consumer,
                                                List<TopicPartition> partitions, long ms) {
        Map<TopicPartition, Long> wanted = new HashMap<>();
        for (TopicPartition p : partitions)
            wanted.put(p, ms);
        Map<TopicPartition, Long> found = new HashMap<>(consumer.endOffsets(partitions));
        for (Map.Entry<TopicPartition, OffsetAndTimestamp> e
                : consumer.offsetsForTimes(wanted).entrySet())
            if (e.getValue() != null)
                found.put(e.getKey(), e.getValue().offset());
        return found;
    }

    private static boolean behind(KafkaConsumer<byte[], byte[]> consumer,
                                  Map<TopicPartition, Long> ends) {
        for (Map.Entry<TopicPartition, Long> e : ends.entrySet())
            if (consumer.position(e.getKey()) < e.getValue())
                return true;
        return false;
    }

    /** One poll, written down; how many records came.  Throws after a long silence. */
    private static int poll(KafkaConsumer<byte[], byte[]> consumer, OutputStream out, long since)
            throws IOException {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(500));
        for (ConsumerRecord<byte[], byte[]> r : records)
            write(out, r);
        if (records.isEmpty() && System.currentTimeMillis() - since > SILENCE_MS)
            throw new IOException("nothing came for " + SILENCE_MS + " ms");
        return records.count();
    }

    static String consume(String broker, String topic, String where, String path)
            throws Exception {
        Properties settings = Driver.properties(broker, "enable.auto.commit", "false",
                "isolation.level",
                where.equals("committed") ? "read_committed" : "read_uncommitted");
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(settings);
             OutputStream out = new BufferedOutputStream(
                     Files.newOutputStream(Paths.get(path)))) {
            Map<TopicPartition, Long> begin = begin(consumer, topic, where);
            Map<TopicPartition, Long> ends = consumer.endOffsets(begin.keySet());
            consumer.assign(begin.keySet());
            for (Map.Entry<TopicPartition, Long> e : begin.entrySet())
                consumer.seek(e.getKey(), e.getValue());
            long since = System.currentTimeMillis();
            while (behind(consumer, ends))
                if (poll(consumer, out, since) > 0)
                    since = System.currentTimeMillis();
        }
        return "";
    }

    static String group(String broker, String topic, String group, long count, String path)
            throws Exception {
        Properties settings = Driver.properties(broker, "group.id", group,
                "enable.auto.commit", "false", "auto.offset.reset", "earliest");
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(settings);
             OutputStream out = new BufferedOutputStream(
                     Files.newOutputStream(Paths.get(path)))) {
            consumer.subscribe(Collections.singletonList(topic));
            long since = System.currentTimeMillis();
            for (long left = count; left > 0;) {
                int came = poll(consumer, out, since);
                if (came > 0)
                    since = System.currentTimeMillis();
                left -= came;
            }
            consumer.commitSync();
        }
        return "";
    }

    static String offsets(String broker, String topic, String what) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Driver.properties(broker))) {
            List<TopicPartition> all = partitions(consumer, topic);
            Map<TopicPartition, Long> found = what.equals("earliest")
                    ? consumer.beginningOffsets(all)
                    : what.equals("latest") ? consumer.endOffsets(all)
                    : at(consumer, all, Long.parseLong(what));
            Map<Integer, String> sorted = new TreeMap<>();
            found.forEach((p, offset) -> sorted.put(p.partition(), p.partition() + "=" + offset));
            return String.join(" ", sorted.values());
        }
    }
}
