// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Interfaces with all that hangs on them, as ip(8) says it in JSON: a line for each Ethernet
 * address with its MTU, each IP address, each route of the main table and each permanent neighbour.
 */
record InterfaceView(Set<String> lines) {
    /**
     * @param ip runs ip(8) with these arguments, where the interfaces are
     */
    static InterfaceView of(Collection<String> links, UnaryOperator<String> ip) {
        Set<String> lines = new TreeSet<>();
        objects(ip.apply("-j addr"))
                .filter(link -> links.contains(text(link, "ifname")))
                .forEach(
                        link -> {
                            String name = text(link, "ifname") + " ";
                            lines.add(name + text(link, "address") + " mtu " + text(link, "mtu"));
                            link.getAsJsonArray("addr_info").asList().stream()
                                    .map(JsonElement::getAsJsonObject)
                                    .map(
                                            address ->
                                                    name
                                                            + parts(
                                                                    address,
                                                                    "local",
                                                                    "prefixlen",
                                                                    "scope",
                                                                    "tentative"))
                                    .forEach(lines::add);
                        });
        Stream.of("-j -4 route", "-j -6 route")
                .flatMap(command -> objects(ip.apply(command)))
                .filter(route -> links.contains(text(route, "dev")))
                .map(InterfaceView::route)
                .forEach(lines::add);
        objects(ip.apply("-j neighbor show nud permanent"))
                .filter(neighbour -> links.contains(text(neighbour, "dev")))
                .map(neighbour -> "neighbour " + parts(neighbour, "dev", "dst", "lladdr"))
                .forEach(lines::add);
        return new InterfaceView(lines);
    }

    private static String route(JsonObject route) {
        String onlink = route.get("flags").toString().contains("onlink") ? "onlink " : "";
        return "route "
                + onlink
                + parts(route, "dev", "dst", "gateway", "prefsrc", "scope", "metric", "metrics");
    }

    private static Stream<JsonObject> objects(String json) {
        JsonElement all = json.isBlank() ? new JsonArray() : JsonParser.parseString(json);
        return all.getAsJsonArray().asList().stream().map(JsonElement::getAsJsonObject);
    }

    private static String parts(JsonObject from, String... names) {
        return Stream.of(names)
                .filter(from::has)
                .map(name -> name + " " + text(from, name))
                .collect(Collectors.joining(" "));
    }

    private static String text(JsonObject from, String name) {
        JsonElement value = from.get(name);
        return value == null
                ? ""
                : value.isJsonPrimitive() ? value.getAsString() : value.toString();
    }

    boolean has(String part) {
        return lines.stream().anyMatch(line -> line.contains(part));
    }

    @Override
    public String toString() {
        return String.join("\n", lines);
    }
}
