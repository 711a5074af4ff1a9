// SPDX-License-Identifier: Apache-2.0
// The administrative commands.  What a version has under another name is found by reflection.

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;

final class Admin {
    private Admin() {}

    /** Calls the first method of `target` that has one of the names. */
    private static Object call(Object target, String... names) throws Exception {
        for (String name : names) {
            for (Method m : target.getClass().getMethods()) {
                if (m.getName().equals(name) && m.getParameterCount() == 0) {
                    m.setAccessible(true);
                    return m.invoke(target);
                }
            }
        }
        throw new Driver.NotThere("no " + names[0]);
    }

    private static ConfigResource resource(String topic) {
        return new ConfigResource(ConfigResource.Type.TOPIC, topic);
    }

    static String run(String broker, String[] w) throws Exception {
        try (AdminClient admin = AdminClient.create(Driver.properties(broker))) {
            switch (w[0]) {
            case "create":
                admin.createTopics(Collections.singleton(
                        new NewTopic(w[1], Integer.parseInt(w[2]), (short) 1))).all().get();
                return "";
            case "describe":
                return describe(admin, w[1]);
            case "delete":
                admin.deleteTopics(Collections.singleton(w[1])).all().get();
                return "";
            case "configs":
                return configs(admin, w[1]);
            case "alter":
                return alter(admin, resource(w[1]), w[2].split("=", 2));
            case "partitions":
                admin.createPartitions(Collections.singletonMap(w[1],
                        NewPartitions.increaseTo(Integer.parseInt(w[2])))).all().get();
                return "";
            case "trim":
                admin.deleteRecords(Collections.singletonMap(
                        new TopicPartition(w[1], Integer.parseInt(w[2])),
                        RecordsToDelete.beforeOffset(Long.parseLong(w[3])))).all().get();
                return "";
            case "logdirs":
                return logDirs(admin, w[1]);
            default:
                throw new Driver.NotThere("no call for it");
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static String describe(AdminClient admin, String topic) throws Exception {
        Map<String, TopicDescription> found = ((KafkaFuture<Map<String, TopicDescription>>) call(
                admin.describeTopics(Collections.singleton(topic)), "allTopicNames", "all")).get();
        List<TopicPartitionInfo> partitions = found.get(topic).partitions();
        return "partitions=" + partitions.size() + " replicas="
                + partitions.get(0).replicas().size() + " isr=" + partitions.get(0).isr().size();
    }

    private static String configs(AdminClient admin, String topic) throws Exception {
        List<String> pairs = new ArrayList<>();
        for (ConfigEntry e : admin.describeConfigs(Collections.singleton(resource(topic))).all()
                .get().get(resource(topic)).entries())
            pairs.add(e.name() + "=" + e.value());
        return String.join(" ", pairs);
    }

    /** IncrementalAlterConfigs since 2.3, AlterConfigs before. */
    private static String alter(AdminClient admin, ConfigResource resource, String[] setting)
            throws Exception {
        ConfigEntry entry = new ConfigEntry(setting[0], setting[1]);
        Object done;
        try {
            Class<?> op = Class.forName("org.apache.kafka.clients.admin.AlterConfigOp");
            Class<?> type = Class.forName("org.apache.kafka.clients.admin.AlterConfigOp$OpType");
            Object set = op.getConstructor(ConfigEntry.class, type).newInstance(entry,
                    type.getField("SET").get(null));
            done = AdminClient.class.getMethod("incrementalAlterConfigs", Map.class).invoke(admin,
                    Collections.singletonMap(resource, Collections.singleton(set)));
        } catch (ClassNotFoundException e) {
            done = AdminClient.class.getMethod("alterConfigs", Map.class).invoke(admin,
                    Collections.singletonMap(resource, config(entry)));
        }
        ((KafkaFuture<?>) call(done, "all")).get();
        return "";
    }

    private static Object config(ConfigEntry entry) throws Exception {
        return Class.forName("org.apache.kafka.clients.admin.Config")
                .getConstructor(java.util.Collection.class)
                .newInstance(Collections.singleton(entry));
    }

    @SuppressWarnings("unchecked")
    private static String logDirs(AdminClient admin, String topic) throws Exception {
        int node = admin.describeCluster().nodes().get().iterator().next().id();
        Map<Integer, Map<String, Object>> found =
                ((KafkaFuture<Map<Integer, Map<String, Object>>>) call(
                admin.describeLogDirs(Collections.singleton(node)), "allDescriptions", "all"))
                .get();
        Map<Integer, String> sizes = new TreeMap<>();
        for (Object dir : found.get(node).values()) {
            Map<TopicPartition, Object> replicas = replicas(dir);
            for (Map.Entry<TopicPartition, Object> e : replicas.entrySet())
                if (e.getKey().topic().equals(topic))
                    sizes.put(e.getKey().partition(),
                            e.getKey().partition() + "=" + size(e.getValue()));
        }
        return String.join(" ", sizes.values());
    }

    /** A method of LogDirDescription since 2.7, a public field of LogDirInfo before. */
    @SuppressWarnings("unchecked")
    private static Map<TopicPartition, Object> replicas(Object dir) throws Exception {
        try {
            return (Map<TopicPartition, Object>) call(dir, "replicaInfos");
        } catch (Driver.NotThere e) {
            return (Map<TopicPartition, Object>) dir.getClass().getField("replicaInfos").get(dir);
        }
    }

    private static Object size(Object replica) throws Exception {
        try {
            return call(replica, "size");
        } catch (Driver.NotThere e) {
            return replica.getClass().getField("size").get(replica);
        }
    }
}
