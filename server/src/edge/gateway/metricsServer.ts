import { createServer } from "node:http"
import { Effect } from "effect"
import { collectDefaultMetrics, Registry } from "prom-client"
import { endWithin } from "../../base/node/endWithin.ts"
import { type Fault, guardedBy } from "../../base/node/guarded.ts"
import { version } from "../../base/settings/version.ts"
import { renderProcessMetrics, report } from "../../base/telemetry/processMetrics.ts"
import { GatewayError } from "./Authorizer.ts"

/** Only a scraper calls it. */
const limits = { maxHeaderSize: 8_192, requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 60_000 }

export interface MetricsServerOptions {
  /** 0: any free port. */
  readonly port: number
  readonly host?: string | undefined
  readonly onFault?: Fault | undefined
}

/** Answers `GET /metrics` with the metrics of this process, until the scope closes. */
export const makeMetricsServer = ({ host = "0.0.0.0", onFault, port }: MetricsServerOptions) =>
  Effect.gen(function* () {
    const registry = new Registry()
    collectDefaultMetrics({ register: registry })
    yield* report("maxcloud_build_info", () => [{ labels: { version }, value: 1 }])
    const guarded = guardedBy((cause) => onFault?.(cause))
    const server = createServer(limits)
    server.on(
      "request",
      guarded((request, response) => {
        if (request.method !== "GET" || request.url !== "/metrics") {
          response.writeHead(404).end()
          return
        }
        Promise.all([registry.metrics(), renderProcessMetrics()]).then(
          guarded((texts) => {
            response.writeHead(200, { "content-type": registry.contentType }).end(texts.join(""))
          }),
          guarded((cause) => {
            response.writeHead(500).end()
            onFault?.(cause)
          })
        )
      })
    )
    return yield* Effect.acquireRelease(
      Effect.async<{ readonly port: number }, GatewayError>((resume) => {
        server.once(
          "error",
          guarded(({ message }: Error) =>
            resume(new GatewayError({ message: `Couldn't listen on port ${port} for metrics: ${message}` }))
          )
        )
        server.listen(port, host, () => {
          const address = server.address()
          resume(Effect.succeed({ port: typeof address === "object" && address !== null ? address.port : port }))
        })
      }),
      () =>
        Effect.async<void>((closed) => {
          server.close(() => closed(Effect.void))
          server.closeAllConnections()
        }).pipe(endWithin("1 second"))
    )
  })
