import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Manifest } from "@maxcloud/synth"
import { Effect } from "effect"
import { CommandFailed } from "../errors/failure.ts"

const serviceLabel = "app.kubernetes.io/name"

/** The service that a manifest belongs to; `app` for those of no service. */
export const serviceOf = ({ metadata }: Manifest): string => metadata.labels?.[serviceLabel] ?? "app"

export const notWritten = (folder: string, error: unknown) =>
  new CommandFailed({
    tag: "NotWritten",
    exit: 1,
    message: `Couldn't write the manifests: ${error instanceof Error ? error.message : String(error)}`,
    fix: `check that you can write to ${folder}`
  })

/** Writes files by name into a folder, which it creates. */
export const writeFiles = (folder: string, files: ReadonlyArray<readonly [name: string, text: string]>) =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(folder, { recursive: true })
      for (const [name, text] of files) await writeFile(join(folder, name), text)
    },
    catch: (error) => notWritten(folder, error)
  })
