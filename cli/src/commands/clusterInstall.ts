import { Effect } from "effect"
import { text, toggle } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
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
  summary: "Prepare a cluster for max-cloud",
  offline: true,
  examples: [
    {
      line: "maxcloud cluster install --image registry.example.com/maxcloud:0.2 --domain apps.example.com",
      does: "Install everything"
    },
    {
      line: "maxcloud cluster install --server --image registry.example.com/maxcloud:0.2",
      does: "Run the server there too: two replicas"
    },
    { line: "maxcloud cluster install --dry-run", does: "Show what it would do" }
  ],
  notes: [
    "Run once by a cluster administrator, and again after an upgrade: it only applies what changed.",
    "Objects are applied with server-side apply as `maxcloud-install`. A value that somebody else has set isn't overwritten without --force.",
    "Tenants' namespaces begin with the prefix, so that they can't collide with the cluster's own. The server must use the same (MAXCLOUD_NAMESPACE_PREFIX).",
    "The server (--server) reads its settings from the Secret and the ConfigMap `maxcloud-server` in `maxcloud-system`, which you create.",
    "Without --image, the gateway gets no authorizer: then internal services aren't separated between organizations."
  ],
  flags: flags({
    ...clusterFlags,
    image: text("image", "REF", { description: "Image of max-cloud, for the gateway's authorizer" }),
    server: toggle("server", { description: "Run the server on the cluster, from the same image" }),
    domain: text("domain", "DOMAIN", { description: "Domain of the services' hosts [Knative's own]" }),
    ...prefixFlag,
    ...manifestsFlag,
    keepSettings: toggle("keep-knative-settings", { description: "Don't change Knative's ConfigMaps" }),
    dryRun: toggle("dry-run", { description: "Change nothing, print what would change" }),
    force: toggle("force", { description: "Overwrite values that others have set" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cluster = yield* loadCluster
      const { domain, dryRun, force, image, keepSettings } = input
      const namespacePrefix = yield* readPrefix(cluster, input.namespacePrefix)
      const objects = yield* readObjectKinds(cluster, input.manifests)
      const result = yield* Effect.promise(() =>
        cluster.install(input, {
          image,
          server: input.server,
          domain,
          namespacePrefix,
          objects,
          dryRun,
          force,
          keepKnativeSettings: keepSettings,
          onStep: (step) => {
            if (terminal.json) return terminal.printJson(step, "line")
            const { detail, step: done, what } = step
            const word =
              done === "unchanged" ? terminal.paint("dim", done.padEnd(9)) : terminal.paint("green", done.padEnd(9))
            terminal.print(`${word} ${what}${detail === undefined ? "" : `: ${detail}`}`)
          }
        })
      )
      const { createSecret, kourierRestarted, namespacePrefix: prefix, server } = yield* succeed(result)
      if (!kourierRestarted) {
        terminal.say(
          "restart Kourier's controller (net-kourier-controller) now: until you do, the gateway refuses every request"
        )
      }
      if (createSecret !== undefined) terminal.say(`the server waits for its Secret: ${createSecret}`)
      if (terminal.json) return
      terminal.say(
        dryRun
          ? `nothing was changed on ${server}`
          : `${server} is ready for max-cloud: \`maxcloud cluster check\` checks it at any time`
      )
      terminal.say(prefix === "" ? "tenants' namespaces have no prefix" : `tenants' namespaces begin with ${prefix}`)
      if (image === undefined) {
        terminal.say(
          "the gateway has no authorizer, so internal services aren't separated between organizations: add --image REF"
        )
      }
    })
})
