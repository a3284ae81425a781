import { Effect } from "effect"
import { text, toggle } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { loadCluster, manifestsFlag, prefixFlag, readObjectKinds, readPrefix } from "../operator/cluster.ts"

export default command({
  summary: "Print what `cluster install` applies",
  offline: true,
  examples: [
    {
      line: "maxcloud cluster manifests --image registry.example.com/maxcloud:0.2",
      does: "Print what install applies, as YAML"
    },
    { line: "maxcloud cluster manifests | kubectl diff -f -", does: "Compare with the cluster" }
  ],
  notes: ["Knative's settings are in its own ConfigMaps, and aren't included: see docs/kubernetes.md."],
  flags: flags({
    ...prefixFlag,
    ...manifestsFlag,
    image: text("image", "REF", { description: "Image of max-cloud, for the gateway's authorizer" }),
    server: toggle("server", { description: "With the server, from the same image" })
  }),
  positionals: noPositionals,
  run: ({ image, manifests, namespacePrefix, server }, terminal) =>
    Effect.gen(function* () {
      const cluster = yield* loadCluster
      const prefix = yield* readPrefix(cluster, namespacePrefix)
      const objects = yield* readObjectKinds(cluster, manifests)
      const printed = yield* Effect.promise(() =>
        cluster.manifests({ image, server, namespacePrefix: prefix, objects })
      )
      terminal.print(printed.trimEnd())
    })
})
