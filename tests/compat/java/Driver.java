// SPDX-License-Identifier: Apache-2.0
// The driver of Apache Kafka's Java client, one source for 2.1 to 4.4.

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.util.Properties;

public final class Driver {
    /** The library has no such call in this version. */
    static final class NotThere extends Exception {
        NotThere(String why) {
            super(why);
        }
    }

    private final String broker;

    private Driver(String broker) {
        this.broker = broker;
    }

    static Properties properties(String broker, String... settings) {
        Properties p = new Properties();
        p.put("bootstrap.servers", broker);
        for (int i = 0; i < settings.length; i += 2)
            p.put(settings[i], settings[i + 1]);
        return p;
    }

    private static String version() throws Exception {
        Properties p = new Properties();
        try (InputStream in = Driver.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            p.load(in);
        }
        return p.getProperty("version");
    }

    private String run(String[] w) throws Exception {
        switch (w[0]) {
        case "hello":
            return "Java client " + version();
        case "produce":
            return Producing.produce(broker, w[1], w[2], w[3], w[4].equals("idempotent"));
        case "transaction":
            return Producing.transaction(broker, w[1], w[2]);
        case "consume":
            return Consuming.consume(broker, w[1], w[2], w[3]);
        case "group":
            return Consuming.group(broker, w[1], w[2], Long.parseLong(w[3]), w[4]);
        case "offsets":
            return Consuming.offsets(broker, w[1], w[2]);
        default:
            return Admin.run(broker, w);
        }
    }

    private static String oneLine(Throwable t) {
        Throwable cause = t;
        while (cause.getCause() != null)
            cause = cause.getCause();
        return cause.toString().replaceAll("[\\n\\r\\t]", " ");
    }

    public static void main(String[] args) throws Exception {
        Driver driver = new Driver(args[0]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = "ok\t" + driver.run(line.split("\t"));
            } catch (NotThere e) {
                answer = "none\t" + e.getMessage();
            } catch (Throwable e) {
                e.printStackTrace();
                answer = "fail\t" + oneLine(e);
            }
            System.out.println(answer);
            System.out.flush();
        }
    }
}
