import { apiVersion } from "@maxcloud/config-schema"
import { type ConfigText, type Edit, edited, readConfigText } from "./configText.ts"

/** A step from one version of configs to the next. */
export interface Migration {
  readonly from: string
  readonly to: string
  /** A description of the change, for readers of the diff. */
  readonly about: string
  readonly edits: (config: ConfigText) => ReadonlyArray<Edit>
}

/** All steps, oldest first. There is only one version of configs so far. */
export const migrations: ReadonlyArray<Migration> = []

/** A config without a version has the first one. */
const firstVersion = "maxcloud.dev/v1"

export type Migrated =
  | { readonly _tag: "Unreadable" }
  /** No step leads from its version to the one that this package supports. */
  | { readonly _tag: "Unknown"; readonly version: string; readonly known: string }
  | {
      readonly _tag: "Migrated"
      readonly text: string
      readonly from: string
      readonly to: string
      readonly changes: ReadonlyArray<string>
    }

/** Rewrites a config for the newest version, and keeps everything else as its author wrote it. */
export const migrateText = (
  file: string,
  text: string,
  steps: ReadonlyArray<Migration> = migrations,
  newest: string = apiVersion
): Migrated => {
  const first = readConfigText(file, text)
  if (first === undefined) return { _tag: "Unreadable" }
  const from = first.apiVersion ?? firstVersion
  const changes: Array<string> = []
  let now = { version: from, text, config: first }
  while (now.version !== newest) {
    const step = steps.find((each) => each.from === now.version)
    if (step === undefined) return { _tag: "Unknown", version: from, known: newest }
    const next = edited(now.text, [...step.edits(now.config), ...now.config.setApiVersion(step.to)])
    const config = readConfigText(file, next)
    if (config === undefined) return { _tag: "Unreadable" }
    changes.push(step.about)
    now = { version: step.to, text: next, config }
  }
  return { _tag: "Migrated", text: now.text, from, to: newest, changes }
}
