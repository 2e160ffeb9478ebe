// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * One crash: who is killed, and at which moment of a pod's life.
 *
 * @param during the step is under way; otherwise it is the next one to be taken, so that "after" a
 *     step is before the next
 */
record Cell(Victim victim, Step step, boolean during) {

    /** The whole matrix. */
    static List<Cell> all() {
        return Stream.of(Victim.values())
                .flatMap(victim -> Stream.of(Step.values()).flatMap(step -> both(victim, step)))
                .filter(Cell::exists)
                .toList();
    }

    /** The cells of CI, by turns of each victim, other ones for each commit. */
    static List<Cell> chosen(String commit, int count) {
        Random random = new Random(commit.hashCode());
        Map<Victim, List<Cell>> byVictim = new EnumMap<>(Victim.class);
        all().forEach(
                        cell ->
                                byVictim.computeIfAbsent(cell.victim(), key -> new ArrayList<>())
                                        .add(cell));
        byVictim.values().forEach(cells -> Collections.shuffle(cells, random));
        List<Cell> chosen = new ArrayList<>();
        for (int turn = 0; chosen.size() < count; turn++) {
            for (List<Cell> cells : byVictim.values()) {
                if (turn < cells.size() && chosen.size() < count) {
                    chosen.add(cells.get(turn));
                }
            }
        }
        return chosen;
    }

    /** Reads what {@link #toString} writes. */
    static Cell parse(String text) {
        return all().stream()
                .filter(cell -> cell.toString().equals(text))
                .findFirst()
                .orElseThrow(
                        () ->
                                new AssertionError(
                                        "There is no cell \""
                                                + text
                                                + "\"; there are "
                                                + Arrays.toString(all().toArray())));
    }

    private static Stream<Cell> both(Victim victim, Step step) {
        return Stream.of(new Cell(victim, step, false), new Cell(victim, step, true));
    }

    /** Whether the victim is there then, and there is something that can be under way. */
    private boolean exists() {
        boolean anything = !during || step.compareTo(Step.DELETE_POD) < 0;
        boolean shim = during || step != Step.CREATE_POD && step != Step.GONE;
        boolean machine = shim && step != Step.DELETE_POD;
        return anything
                && switch (victim) {
                    case HAKOD, CONTAINERD, BOTH -> true;
                    case SHIM -> shim;
                    case MONITOR, FILE_SERVER, AGENT -> machine;
                };
    }

    @Override
    public String toString() {
        return victim + (during ? "_IN_" : "_BEFORE_") + step;
    }
}
