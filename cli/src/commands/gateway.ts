import { resolve } from "node:path"
import { Effect } from "effect"
import { integer, text } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith, UsageError } from "../errors/failure.ts"

/** The port that `cluster install` opens between Envoy and the authorizer. */
const defaultPort = 9191

/** The flag, else the variable, which the pods set. */
const portOf = (flag: number | undefined, variable: string, standard: number): Effect.Effect<number, UsageError> => {
  const written = process.env[variable] || String(standard)
  const port = flag ?? Number(written)
  return Number.isInteger(port) && port >= 0 && port <= 65_535
    ? Effect.succeed(port)
    : new UsageError({ message: `"${flag ?? written}" isn't a port`, fix: "write a number from 0 to 65535" })
}

export default command({
  summary: "Run the gateway's authorizer",
  offline: true,
  examples: [
    { line: "maxcloud gateway", does: "Run it in a pod, as `cluster install` does" },
    { line: "maxcloud gateway --port 0 --kubeconfig cluster.yaml", does: "Try it here, on a free port" }
  ],
  notes: [
    "Kourier's Envoy asks it about every request. It refuses calls between services without a link.",
    "It needs only the cluster, so you can run any number. SIGTERM and Ctrl-C stop it gracefully, a second one immediately."
  ],
  exitOnInterrupt: 0,
  flags: flags({
    port: integer("port", "PORT", {
      alias: "p",
      description: "Port to listen on for Envoy, 0 for a free one (MAXCLOUD_GATEWAY_PORT) [9191]"
    }),
    metricsPort: integer("metrics-port", "PORT", {
      description: "Port for Prometheus, 0 for a free one (MAXCLOUD_GATEWAY_METRICS_PORT) [none]"
    }),
    kubeconfig: text("kubeconfig", "FILE", {
      description: "Cluster to read [KUBECONFIG, ~/.kube/config, the pod's own]"
    }),
    context: text("context", "NAME", { description: "Context of the kubeconfig [its current one]" })
  }),
  positionals: noPositionals,
  run: ({ context, kubeconfig, metricsPort, port }, terminal) =>
    Effect.gen(function* () {
      const listen = yield* portOf(port, "MAXCLOUD_GATEWAY_PORT", defaultPort)
      const scraped = metricsPort !== undefined || (process.env["MAXCLOUD_GATEWAY_METRICS_PORT"] ?? "") !== ""
      const listenForMetrics = scraped ? yield* portOf(metricsPort, "MAXCLOUD_GATEWAY_METRICS_PORT", 0) : undefined
      const { runGateway } = yield* Effect.promise(() => import("@maxcloud/server"))
      // The gateway handles these signals itself, to stop gracefully.
      const code = yield* Effect.promise(() =>
        runGateway({
          port: listen,
          metricsPort: listenForMetrics,
          source:
            kubeconfig === undefined
              ? { type: "standard", context }
              : { type: "file", path: resolve(kubeconfig), context },
          onReady: (gateway) =>
            terminal.json
              ? terminal.printJson({ port: gateway.port, metricsPort: gateway.metricsPort }, "line")
              : terminal.print(`the gateway's authorizer listens on port ${gateway.port}`)
        })
      ).pipe(Effect.uninterruptible)
      if (code !== 0) return yield* new ExitWith({ exit: 1 })
    })
})
