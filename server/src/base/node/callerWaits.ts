import { Duration, Schedule } from "effect"
import { within } from "./monotonic.ts"

/** How long a request may wait for something: less than the 60 seconds that the SDK waits for an answer. */
export const callerPatience = Duration.seconds(30)

/** Looks again until then: often at first, then at intervals that spare the database. */
export const whileCallerWaits = Schedule.union(
  Schedule.exponential("20 millis", 1.5),
  Schedule.spaced("500 millis")
).pipe(within(callerPatience))
