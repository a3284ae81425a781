import { Effect } from "effect"
import { text, toggle } from "../args/flags.ts"
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
import { printTable } from "../output/terminal.ts"

const styles = { ok: "green", failed: "red", skipped: "yellow" } as const

export default command({
  summary: "Check whether a cluster is ready for max-cloud",
  offline: true,
  examples: [
    { line: "maxcloud cluster check", does: "Try each part, and show the fix of those that fail" },
    { line: "maxcloud cluster check --domain apps.example.com --json", does: "Check with the domain, as JSON" }
  ],
  notes: [
    "Each part is tried by using it. A probe service in maxcloud-system gets a request through the gateway, and is removed again; --no-probe leaves it out. Nothing else is changed.",
    "Exits with 1 if a check failed. Checks that need a failed one are skipped."
  ],
  flags: flags({
    ...clusterFlags,
    ...prefixFlag,
    ...manifestsFlag,
    noProbe: toggle("no-probe", { description: "Create no probe service" }),
    probeImage: text("probe-image", "REF", {
      description: "Image for the probe service, which answers HTTP on $PORT [the authorizer's]"
    }),
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
      const checks = yield* succeed(
        yield* Effect.promise(() =>
          cluster.check(input, {
            domain: input.domain,
            namespacePrefix,
            closedRanges,
            runtimeClass,
            objects,
            probe: !input.noProbe,
            probeImage: input.probeImage
          })
        )
      )
      const failed = checks.filter(({ result }) => result === "failed")
      if (terminal.json) terminal.printJson({ checks })
      else {
        printTable(
          ["RESULT", "CHECK", ""],
          checks.map(({ fix, message, name, result }) => [
            terminal.paint(styles[result], result),
            name,
            fix === null ? terminal.paint("dim", message) : `${message} ${terminal.paint("dim", "→")} ${fix}`
          ]),
          terminal
        )
        terminal.say(
          failed.length === 0
            ? `${checks.length} checks passed: the cluster has what max-cloud needs`
            : `${failed.length} of ${checks.length} checks failed`
        )
      }
      if (failed.length > 0) return yield* new ExitWith({ exit: 1 })
    })
})
