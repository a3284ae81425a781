import { Effect } from "effect"
import { NoInstance } from "../../base/proxy/Route.ts"
import { type ExecRequest, RuntimeError, type ServiceKey } from "../port/Runtime.ts"
import type { ServiceController } from "./controller/ServiceController.ts"

const refused = (message: string) => new RuntimeError({ reason: "refused", message })

/**
 * Runs a program in an instance as if it were a request: a service at zero starts for it, it counts as one request, and the
 * instance stays as long as it runs.
 */
export const makeLocalExec =
  (find: (key: ServiceKey) => ServiceController | undefined) => (key: ServiceKey, request: ExecRequest) =>
    Effect.gen(function* () {
      const controller = find(key)
      if (controller === undefined) return yield* refused(`The service "${key.service}" isn't deployed yet.`)
      const lease = yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: async (signal) => controller.route.acquire(signal),
          catch: (cause) => refused(cause instanceof NoInstance ? cause.message : String(cause))
        }),
        (found) => Effect.sync(() => found.release())
      )
      const instance = controller.instance(lease.id)
      if (instance?.exec === undefined)
        return yield* refused(`The instance of "${key.service}" has just ended. Try again.`)
      const { exec } = instance
      const process = yield* Effect.acquireRelease(
        Effect.try({ try: () => exec(request), catch: (cause) => refused(String(cause)) }),
        (found) => Effect.promise(() => found.end())
      )
      return { ...process, instance: instance.id }
    })
