import { inSpec } from "@maxcloud/sdk/errors"
import type { PortableManifest } from "@maxcloud/synth"
import { Effect } from "effect"
import { readFileFlag, text, toggle } from "../args/flags.ts"
import { loadOffline, locatedErrors } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { chartObjects } from "../deploy/chartObjects.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"

/** A Kubernetes namespace: a DNS label (RFC 1123). */
const isNamespace = (name: string) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)

const documentOf = (
  toYaml: (manifests: [PortableManifest["manifest"]]) => string,
  { manifest, notes }: PortableManifest
) => [...notes.map((note) => `# ${note}\n`), toYaml([manifest])].join("")

export default command({
  summary: "Print manifests for any Knative, offline",
  offline: true,
  examples: [
    {
      line: "maxcloud export --namespace shop | kubectl apply -f -",
      does: "Print the app for a Knative without max-cloud"
    },
    { line: "maxcloud export --namespace shop > shop.yaml", does: "Write it to a file, to fill in the secrets" },
    { line: "maxcloud export --stage preview-42 --json", does: "For another stage, as JSON" }
  ],
  notes: [
    "Offline. The namespace must exist. Only services with an image: sources run only on max-cloud.",
    "Secrets are printed with empty values: fill them in first. The comment above each says with what.",
    "Policies name Kourier's gateway as the ingress: with another one, use --without-policies.",
    "Links use cluster-internal names. Without max-cloud, nothing enforces links: anyone who reaches the gateway can call any host."
  ],
  flags: flags({
    file: readFileFlag,
    namespace: text("namespace", "NAMESPACE", { alias: "n", description: "Namespace of the manifests [default]" }),
    withoutPolicies: toggle("without-policies", { description: "Leave the NetworkPolicies out" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const namespace = input.namespace ?? "default"
      if (!isNamespace(namespace)) {
        return yield* new UsageError({
          message: `"${namespace}" isn't a valid namespace`,
          fix: "use up to 63 lower-case letters, digits and -"
        })
      }
      const loaded = yield* loadOffline(input, terminal, input.file ?? input.config, { charts: true })
      const { knativeProblems, portable, portableProblems, toYaml } = yield* Effect.promise(
        () => import("@maxcloud/synth")
      )
      const problems = [...portableProblems(loaded.spec), ...knativeProblems(loaded.spec)]
      if (problems.length > 0) {
        return yield* new CommandFailed({
          tag: "InvalidSpec",
          exit: 2,
          message: "this app can't run without max-cloud",
          ...(yield* locatedErrors(loaded, inSpec(problems)))
        })
      }
      const ofCharts = (yield* chartObjects(loaded)).map((manifest): PortableManifest => ({ manifest, notes: [] }))
      const all = [
        ...portable(loaded.spec, namespace).filter(
          (each) => !input.withoutPolicies || each.manifest.kind !== "NetworkPolicy"
        ),
        ...ofCharts
      ]
      if (terminal.json) return terminal.printJson({ manifests: all.map((each) => each.manifest) })
      terminal.print(
        all
          .map((value) => documentOf(toYaml, value))
          .join("---\n")
          .trimEnd()
      )
      const secrets = all.filter((each) => each.manifest.kind === "Secret").map((each) => each.manifest.metadata.name)
      if (secrets.length > 0) {
        terminal.say(
          `${terminal.paintError("yellow", "fill in:")} the values of ${secrets.join(", ")}, which are empty`
        )
      }
    })
})
