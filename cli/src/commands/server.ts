import { resolve } from "node:path"
import { Effect } from "effect"
import { integer, text } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith, UsageError } from "../errors/failure.ts"
import { dataDirFlag } from "../operator/operator.ts"

export default command({
  summary: "Run the server",
  offline: true,
  examples: [
    { line: "maxcloud server", does: "Run on port 8080, with data in .maxcloud" },
    { line: "maxcloud server --port 0 --data-dir /var/lib/maxcloud", does: "Run on a free port, with data elsewhere" },
    { line: "maxcloud server --kubeconfig cluster.yaml", does: "Run on a Kubernetes cluster with Knative" },
    { line: "DATABASE_URL=postgres://… maxcloud server", does: "Use your own Postgres" }
  ],
  notes: [
    "Settings come from the environment too (docs/reference/configuration.md); a flag takes precedence.",
    "Its own log goes to stderr. SIGTERM and Ctrl-C stop it gracefully, a second one immediately."
  ],
  exitOnInterrupt: 0,
  flags: flags({
    port: integer("port", "PORT", {
      alias: "p",
      description: "Port to listen on, 0 for a free one (MAXCLOUD_PORT) [8080]"
    }),
    host: text("host", "ADDRESS", { description: "Address to listen on (MAXCLOUD_HOST) [127.0.0.1]" }),
    dataDir: dataDirFlag,
    runtime: text("runtime", "RUNTIME", {
      description: "local or kubernetes (MAXCLOUD_RUNTIME) [kubernetes with a kubeconfig or in a pod, else local]"
    }),
    kubeconfig: text("kubeconfig", "FILE", {
      description: "Cluster to run services on (MAXCLOUD_KUBECONFIG) [KUBECONFIG]"
    }),
    context: text("context", "NAME", {
      description: "Context of the kubeconfig (MAXCLOUD_KUBE_CONTEXT) [its current one]"
    })
  }),
  positionals: noPositionals,
  run: ({ context, dataDir, host, kubeconfig, port, runtime }, terminal) =>
    Effect.gen(function* () {
      const { bootstrapNotice, runServer, runtimeNames } = yield* Effect.promise(() => import("@maxcloud/server"))
      if (runtime !== undefined && !runtimeNames.includes(runtime)) {
        return yield* new UsageError({
          message: `"${runtime}" isn't a runtime`,
          fix: `write ${runtimeNames.map((name) => `--runtime ${name}`).join(" or ")}`
        })
      }
      // The server handles these signals itself, to stop gracefully.
      const code = yield* Effect.promise(() =>
        runServer({
          ...(port === undefined ? {} : { port }),
          ...(host === undefined ? {} : { host }),
          ...(dataDir === undefined ? {} : { dataDir: resolve(dataDir) }),
          ...(runtime === undefined ? {} : { runtime }),
          ...(kubeconfig === undefined ? {} : { kubeconfig }),
          ...(context === undefined ? {} : { kubeContext: context }),
          onReady: ({ bootstrapUrl, url }) => {
            if (terminal.json) return terminal.printJson({ url, bootstrapUrl }, "line")
            terminal.print(`max-cloud listens on ${url}`)
            if (bootstrapUrl !== undefined) terminal.print(bootstrapNotice(bootstrapUrl))
          }
        })
      ).pipe(Effect.uninterruptible)
      if (code !== 0) return yield* new ExitWith({ exit: 1 })
    })
})
