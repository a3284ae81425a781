import { Deferred, Effect, Exit, LogLevel } from "effect"
import * as logging from "../../base/telemetry/logging.ts"
import { drainMillis } from "../../operator/cluster/deployment.ts"
import type { ClusterSource } from "../../runtimes/kubeApi/connect.ts"
import * as kubeApi from "../../runtimes/kubeApi/HttpKubeApi.ts"
import { makeGateway } from "./gateway.ts"

export { drainMillis, gatewayRules, gatewaySettings } from "../../operator/cluster/deployment.ts"
export { makeGateway } from "./gateway.ts"

export interface GatewayOptions {
  /** The port for Envoy's checks. 0: any free port. */
  readonly port: number
  readonly source: ClusterSource
  /** The port for `GET /metrics`. 0: any free port. @default none */
  readonly metricsPort?: number | undefined
  readonly logFormat?: "text" | "json"
  /** Called once, when it listens. */
  readonly onReady?: (gateway: { readonly port: number; readonly metricsPort: number | undefined }) => void
}

/**
 * Runs the gateway's authorizer until SIGINT or SIGTERM, then keeps answering for a while, because Envoy may still use its
 * address. Resolves with the exit code: 0 after an orderly stop, or 1 with a message if it couldn't start.
 */
export const runGateway = (options: GatewayOptions): Promise<number> =>
  Effect.gen(function* () {
    const asked = yield* Deferred.make<void>()
    let signals = 0
    const onSignal = () => {
      signals++
      if (signals > 1) process.exit(143)
      Deferred.unsafeDone(asked, Exit.void)
    }
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
    const authorizer = yield* makeGateway({ port: options.port, metricsPort: options.metricsPort })
    options.onReady?.({ port: authorizer.port, metricsPort: authorizer.metricsPort })
    yield* Deferred.await(asked)
    yield* Effect.logInfo("Stopping. Answers until Envoy has moved to another authorizer.")
    authorizer.drain()
    yield* Effect.sleep(drainMillis)
    return 0
  }).pipe(
    Effect.scoped,
    Effect.provide(kubeApi.layer({ source: options.source })),
    Effect.catchAll((error) => Effect.as(Effect.logError(error.message), 1)),
    Effect.provide(logging.layer({ logFormat: options.logFormat ?? "json", logLevel: LogLevel.Info })),
    Effect.runPromise
  )
