import { join, resolve } from "node:path"
import { inSpec } from "@maxcloud/sdk/errors"
import type { PortableManifest } from "@maxcloud/synth"
import { Effect } from "effect"
import { readFileFlag, text, toggle } from "../args/flags.ts"
import { loadOffline, locatedErrors } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { chartObjects } from "../deploy/chartObjects.ts"
import { documentOf } from "../deploy/documentOf.ts"
import { gitopsFiles, writeGitops } from "../deploy/gitops.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import type { Terminal } from "../output/terminal.ts"

/** A Kubernetes namespace: a DNS label (RFC 1123). */
const isNamespace = (name: string) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)

/** Where `--gitops` writes without `--out`. */
const defaultFolder = "gitops"

const printSecrets = (terminal: Terminal, names: ReadonlyArray<string>, says: (names: string) => string) => {
  if (names.length > 0) terminal.say(`${terminal.paintError("yellow", "fill in:")} ${says(names.join(", "))}`)
}

export default command({
  summary: "Print manifests for any Knative, offline",
  offline: true,
  examples: [
    {
      line: "maxcloud export --namespace shop | kubectl apply -f -",
      does: "Print the app for a Knative without max-cloud"
    },
    { line: "maxcloud export --namespace shop > shop.yaml", does: "Write it to a file, to fill in the secrets" },
    { line: "maxcloud export --gitops --out deploy/shop -n shop", does: "Write a folder for Flux or Argo CD" },
    { line: "maxcloud export --stage preview-42 --json", does: "For another stage, as JSON" }
  ],
  notes: [
    "Offline. The namespace must exist. Only services with an image: sources run only on max-cloud.",
    "Secrets are printed with empty values: fill them in first. The comment above each says with what.",
    "With --gitops: a kustomization.yaml and a file per service, without Secrets. Repeat it after changes: it removes its files of deleted services, and replaces nobody else's.",
    "Policies name Kourier's gateway as the ingress: with another one, use --without-policies.",
    "Links use cluster-internal names. Without max-cloud, nothing enforces links: anyone who reaches the gateway can call any host."
  ],
  flags: flags({
    file: readFileFlag,
    gitops: toggle("gitops", { description: "Write a folder for Flux, Argo CD or kustomize" }),
    namespace: text("namespace", "NAMESPACE", { alias: "n", description: "Namespace of the manifests [default]" }),
    out: text("out", "FOLDER", { alias: "o", description: `With --gitops: the folder to write [${defaultFolder}]` }),
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
      if (input.out !== undefined && !input.gitops) {
        return yield* new UsageError({
          message: "--out needs --gitops",
          fix: "add --gitops to write a folder, or use > FILE to write one file"
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
      if (input.gitops) {
        const folder = resolve(input.out ?? defaultFolder)
        const { files, secrets } = gitopsFiles(toYaml, all)
        const removed = yield* writeGitops(folder, files)
        const names = files.map(([name]) => name)
        if (terminal.json) return terminal.printJson({ folder, files: names, removed, secrets })
        for (const name of names) terminal.say(`wrote ${join(folder, name)}`)
        for (const name of removed) terminal.say(`removed ${join(folder, name)}`)
        return printSecrets(
          terminal,
          secrets.map(({ name }) => name),
          (list) => `the Secrets ${list} are yours to create. kustomization.yaml lists their keys.`
        )
      }
      if (terminal.json) return terminal.printJson({ manifests: all.map((each) => each.manifest) })
      terminal.print(
        all
          .map((value) => documentOf(toYaml, value))
          .join("---\n")
          .trimEnd()
      )
      const secrets = all.filter((each) => each.manifest.kind === "Secret").map((each) => each.manifest.metadata.name)
      printSecrets(terminal, secrets, (list) => `the values of ${list}, which are empty`)
    })
})
