import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith } from "../errors/failure.ts"
import {
  clusterFlags,
  loadCluster,
  manifestsFlag,
  prefixFlag,
  readObjectKinds,
  readPrefix,
  succeed
} from "../operator/cluster.ts"

export default command({
  summary: "Check whether a cluster is ready for max-cloud",
  offline: true,
  examples: [
    { line: "maxcloud cluster check", does: "List missing parts, each with its fix" },
    { line: "maxcloud cluster check --domain apps.example.com --json", does: "Check with the domain, as JSON" }
  ],
  notes: ["Changes nothing. Exits with 1 if something is missing or wrong."],
  flags: flags({
    ...clusterFlags,
    ...prefixFlag,
    ...manifestsFlag,
    domain: text("domain", "DOMAIN", { description: "Domain for the services' hosts" }),
    runtimeClass: text("runtime-class", "CLASS", {
      description: "MAXCLOUD_RUNTIME_CLASS of the server [$MAXCLOUD_RUNTIME_CLASS]"
    }),
    closedRanges: text("closed-ranges", "RANGES", {
      description: "MAXCLOUD_CLOSED_RANGES of the server [$MAXCLOUD_CLOSED_RANGES]"
    })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cluster = yield* loadCluster
      const runtimeClass = input.runtimeClass ?? process.env["MAXCLOUD_RUNTIME_CLASS"]
      const closedRanges = input.closedRanges ?? process.env["MAXCLOUD_CLOSED_RANGES"]
      const namespacePrefix = yield* readPrefix(cluster, input.namespacePrefix)
      const objects = yield* readObjectKinds(cluster, input.manifests)
      const findings = yield* succeed(
        yield* Effect.promise(() =>
          cluster.check(input, { domain: input.domain, namespacePrefix, closedRanges, runtimeClass, objects })
        )
      )
      if (terminal.json) terminal.printJson({ findings })
      else {
        for (const { fix, message } of findings) {
          terminal.print(`${terminal.paint("red", "wrong")} ${message} ${terminal.paint("dim", "→")} ${fix}`)
        }
        if (findings.length === 0)
          terminal.print(`${terminal.paint("green", "ok")} the cluster has what max-cloud needs`)
      }
      if (findings.length > 0) return yield* new ExitWith({ exit: 1 })
    })
})
