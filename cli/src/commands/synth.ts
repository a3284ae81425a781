import { join, resolve } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import type { Manifest } from "@maxcloud/synth"
import { Effect } from "effect"
import { readFileFlag, text } from "../args/flags.ts"
import { loadOffline, loadTools } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { chartObjects } from "../deploy/chartObjects.ts"
import { serviceOf, writeFiles } from "../deploy/manifestFiles.ts"
import { loadCluster, readPrefix } from "../operator/cluster.ts"
import { integerBytes } from "../output/format.ts"
import { refuseImpossible } from "../plans/refuseImpossible.ts"

/** The AppSpec with the digest of each source, as a deploy would send it. */
const withDigests = (loaded: LoadedConfig) =>
  Effect.gen(function* () {
    const { snapshotOf, sourceFields } = yield* loadTools
    const services = yield* Effect.forEach(
      loaded.spec.services,
      (service) => {
        const { source } = service
        if (source === undefined || source.digest !== undefined) return Effect.succeed(service)
        return Effect.map(snapshotOf(resolve(loaded.folder, source.path)), (snapshot) => ({
          ...service,
          source: sourceFields(source.path, snapshot)
        }))
      },
      { concurrency: 4 }
    )
    return { ...loaded.spec, services }
  })

/** One file per service, and one for the namespace that they share. */
const filesOf = (
  namespace: ReadonlyArray<Manifest>,
  manifests: ReadonlyArray<Manifest>
): ReadonlyArray<readonly [string, ReadonlyArray<Manifest>]> => {
  const byService = new Map<string, Array<Manifest>>()
  for (const manifest of manifests) {
    const service = serviceOf(manifest)
    byService.set(service, [...(byService.get(service) ?? []), manifest])
  }
  return [["_namespace.yaml", namespace], ...[...byService].map(([service, own]) => [`${service}.yaml`, own] as const)]
}

/** The server's part for clusters parses it, so load that part only if there is one. */
const prefixOf = (written: string | undefined) =>
  written === undefined
    ? Effect.succeed("")
    : Effect.map(
        Effect.flatMap(loadCluster, (cluster) => readPrefix(cluster, written)),
        (found) => found ?? ""
      )

export default command({
  summary: "Print the app's manifests, offline",
  offline: true,
  examples: [
    { line: "maxcloud synth", does: "Print all manifests as YAML to stdout" },
    { line: "maxcloud synth --out manifests", does: "Write one file per service" },
    { line: "maxcloud synth --stage preview-42 --json", does: "For another stage, as JSON" }
  ],
  notes: [
    "Offline: the organization is `local`, secrets are at version 1. On deploy, the server fills in the rest.",
    "Manifests never contain values of secrets.",
    "Fields of `manifests` are printed as if the server's operator allowed all of them. Objects of charts come last and are never sent to a server."
  ],
  flags: flags({
    file: readFileFlag,
    namespacePrefix: text("namespace-prefix", "PREFIX", {
      description: "Prefix of tenants' namespaces on your cluster, such as mc- [none]"
    }),
    out: text("out", "FOLDER", { alias: "o", description: "Write a file per service into this folder" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const loaded = yield* loadOffline(input, terminal, input.file ?? input.config, { charts: true })
      const spec = yield* withDigests(loaded)
      const { offlineTenant, synth, synthNamespace, toYaml } = yield* Effect.promise(() => import("@maxcloud/synth"))
      const namespacePrefix = yield* prefixOf(input.namespacePrefix)
      const tenant = offlineTenant(spec, { stage: loaded.stage, namespacePrefix })
      yield* refuseImpossible(loaded, spec, tenant)
      const namespace = synthNamespace(tenant)
      const manifests = synth(spec, tenant)
      const ofCharts = yield* chartObjects(loaded)
      if (input.out !== undefined) {
        const charts = ofCharts.length === 0 ? [] : [["_charts.yaml", ofCharts] as const]
        const files = [...filesOf(namespace, manifests), ...charts].map(([name, own]) => [name, toYaml(own)] as const)
        yield* writeFiles(resolve(input.out), files)
        if (terminal.json) return terminal.printJson({ folder: resolve(input.out), files: files.map(([name]) => name) })
        for (const [name, yaml] of files) terminal.say(`wrote ${join(input.out, name)} (${integerBytes(yaml.length)})`)
        return
      }
      const all = [...namespace, ...manifests, ...ofCharts]
      if (terminal.json) terminal.printJson({ manifests: all })
      else terminal.print(toYaml(all).trimEnd())
    })
})
