import type { ReadinessCheck } from "@maxcloud/sdk/api"
import { Duration, Effect } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { queueState } from "../../control/deployments/queue/oldestWaiting.ts"

/** A pass takes seconds, so even with hundreds of deployments at once nothing waits this long. */
const longestWait = Duration.minutes(2)
const answersIn = Duration.seconds(5)

const unreadable: ReadinessCheck = {
  name: "queue",
  ok: false,
  message: "Couldn't read the queue of deployments. The check of the database says why, or the server's log."
}

const verdict = (oldestSeconds: number): ReadinessCheck =>
  oldestSeconds <= Duration.toSeconds(longestWait)
    ? { name: "queue", ok: true, message: null }
    : {
        name: "queue",
        ok: false,
        message: `Work has been due for ${Math.round(oldestSeconds)} s, and no server takes it. Look in the servers' logs for failures of the queue of deployments, and restart a server that shows none.`
      }

export const queueCheckOf = <E, R>(state: Effect.Effect<{ readonly oldestSeconds: number }, E, R>) =>
  state.pipe(
    Effect.map(({ oldestSeconds }) => verdict(oldestSeconds)),
    Effect.disconnect,
    Effect.timeout(answersIn),
    Effect.catchAllCause(() => Effect.succeed(unreadable))
  )

/** Does some server take the work that is due? */
export const queueCheck = queueCheckOf(asServer(queueState))
