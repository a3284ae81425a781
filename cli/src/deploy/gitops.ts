import { open, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import type { PortableManifest, toYaml as ToYaml } from "@maxcloud/synth"
import { Effect } from "effect"
import { CommandFailed } from "../errors/failure.ts"
import { documentOf } from "./documentOf.ts"
import { notWritten, serviceOf, writeFiles } from "./manifestFiles.ts"

/** The first line of every file, by which the next export knows its own. */
const header = "# Written by `maxcloud export --gitops`. The next export replaces it."

const kustomization = "kustomization.yaml"

/** No service's name begins with `_`. */
const fileOf = (service: string) => (service === "kustomization" ? "_kustomization.yaml" : `${service}.yaml`)

const isSecret = ({ manifest }: PortableManifest) => manifest.kind === "Secret" && manifest.apiVersion === "v1"

/** A Secret that the folder lacks, and how to fill in its keys. */
export interface MissingSecret {
  readonly name: string
  readonly notes: ReadonlyArray<string>
}

/** An app as a folder for Flux, Argo CD or `kubectl apply --kustomize`: a file per service, without Secrets. */
export const gitopsFiles = (toYaml: typeof ToYaml, all: ReadonlyArray<PortableManifest>) => {
  const byFile = new Map<string, Array<string>>()
  for (const each of all.filter((each) => !isSecret(each))) {
    const file = fileOf(serviceOf(each.manifest))
    byFile.set(file, [...(byFile.get(file) ?? []), documentOf(toYaml, each)])
  }
  // Sorted, so that a commit shows only what has changed.
  const documents = [...byFile].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const secrets = all
    .filter(isSecret)
    .map(({ manifest, notes }): MissingSecret => ({ name: manifest.metadata.name, notes }))
  const missing = secrets.flatMap(({ name, notes }) => [
    `# The Secret ${name} isn't here: never put its values into Git. Create it in the cluster,`,
    "# or add it encrypted (SOPS, Sealed Secrets) or as a reference (External Secrets). Its keys:",
    ...notes.map((note) => `#   ${note}`)
  ])
  const list = [
    "apiVersion: kustomize.config.k8s.io/v1beta1",
    "kind: Kustomization",
    "resources:",
    ...documents.map(([file]) => `  - ${file}`)
  ]
  const files = [
    [kustomization, `${[header, ...missing, ...list].join("\n")}\n`] as const,
    ...documents.map(([file, parts]) => [file, `${header}\n${parts.join("---\n")}`] as const)
  ]
  return { files, secrets }
}

/** Whether the file begins with our first line; undefined if there is none. */
const isOurs = async (file: string): Promise<boolean | undefined> => {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined
    throw error
  })
  if (handle === undefined) return undefined
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(header.length), 0, header.length, 0)
    return buffer.toString("utf8", 0, bytesRead) === header
  } finally {
    await handle.close()
  }
}

/** Names of the YAML files in the folder that somebody else wrote, and of those that a previous export wrote. */
const filesIn = async (folder: string) => {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []
    throw error
  })
  const ours: Array<string> = []
  const others: Array<string> = []
  for (const name of names.filter((name) => name.endsWith(".yaml"))) {
    const owned = await isOurs(join(folder, name))
    if (owned !== undefined) (owned ? ours : others).push(name)
  }
  return { ours, others }
}

/** Writes the folder, and removes files of a previous export that it no longer needs. Never replaces other people's files. */
export const writeGitops = (folder: string, files: ReadonlyArray<readonly [name: string, text: string]>) =>
  Effect.gen(function* () {
    const names = new Set(files.map(([name]) => name))
    const { others, ours } = yield* Effect.tryPromise({
      try: () => filesIn(folder),
      catch: (error) => notWritten(folder, error)
    })
    const foreign = others.filter((name) => names.has(name))
    if (foreign.length > 0) {
      return yield* new CommandFailed({
        tag: "NotWritten",
        exit: 1,
        message: `${folder} contains ${foreign.join(", ")}, which \`maxcloud export --gitops\` didn't write`,
        fix: "choose another folder with --out, or move the files away"
      })
    }
    yield* writeFiles(folder, files)
    const stale = ours.filter((name) => !names.has(name))
    yield* Effect.tryPromise({
      try: () => Promise.all(stale.map((name) => rm(join(folder, name), { force: true }))),
      catch: (error) => notWritten(folder, error)
    })
    return stale
  })
