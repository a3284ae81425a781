import type { FieldChange, ObjectChange, Plan, ServiceChange } from "@maxcloud/sdk/api"
import type { Manifest } from "@maxcloud/synth"
import { Effect } from "effect"
import { entryOf } from "../output/entryOf.ts"
import { type Terminal, table } from "../output/terminal.ts"
import { plannedText } from "./plannedText.ts"

const signs = { create: "+", update: "~", delete: "-", unchanged: " " } as const
const styles = { create: "green", update: "yellow", delete: "red", unchanged: "dim" } as const

const changeLines = (change: ServiceChange, terminal: Terminal): ReadonlyArray<string> => {
  const style = entryOf<"green" | "yellow" | "red" | "dim">(styles, change.action, "dim")
  return [
    terminal.paint(style, `${entryOf<string>(signs, change.action, "?")} ${change.action} ${change.service}`),
    ...fieldLines(change.fields, terminal)
  ]
}

const fieldLines = (fields: ReadonlyArray<FieldChange>, terminal: Terminal) =>
  table(
    fields.map((field) => {
      const before = field.before === null ? undefined : terminal.paint("red", plannedText(field.before))
      const after = field.after === null ? "(none)" : terminal.paint("green", plannedText(field.after))
      return [`    ${field.path}`, before === undefined ? after : `${before} → ${after}`]
    })
  )

const objectLines = ({ action, fields, kind, name }: ObjectChange, terminal: Terminal): ReadonlyArray<string> => {
  const style = entryOf<"green" | "yellow" | "red" | "dim">(styles, action, "yellow")
  return [
    terminal.paint(style, `${entryOf<string>(signs, action, "~")} ${action} ${kind} ${name}`),
    ...fieldLines(fields, terminal)
  ]
}

/** The changes of a plan, for people. */
export const planLines = (plan: Plan, terminal: Terminal): ReadonlyArray<string> => {
  const changes = plan.changes.filter((change) => change.action !== "unchanged")
  // A patch isn't a change by itself: a new one shows as a change of its service.
  const objects = plan.objects.filter(
    (object) => object.action !== "patch" || changes.some((change) => change.service === object.name)
  )
  const unchanged = plan.changes.filter((change) => change.action === "unchanged").map((change) => change.service)
  const title = terminal.paint("bold", `${plan.app} (${plan.stage})`)
  return [
    changes.length + objects.length === 0 ? `${title}: no changes` : title,
    ...changes.flatMap((change) => changeLines(change, terminal)),
    ...(changes.length > 0 && unchanged.length > 0
      ? [terminal.paint("dim", `  unchanged: ${unchanged.join(", ")}`)]
      : []),
    ...objects.flatMap((object) => objectLines(object, terminal)),
    ...plan.platform.map(({ kind, name, newRevision }) =>
      terminal.paint("yellow", `~ platform ${kind} ${name}${newRevision ? " (new revision)" : ""}`)
    )
  ]
}

/** With --manifests, stdout is for the manifests, so the changes go to stderr. */
export const changesTo = (withManifests: boolean, terminal: Terminal): Terminal =>
  withManifests ? { ...terminal, print: terminal.say, paint: terminal.paintError } : terminal

const isManifest = (value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, unknown>> & Manifest =>
  typeof value["apiVersion"] === "string" && typeof value["kind"] === "string" && typeof value["metadata"] === "object"

/** The manifests of a plan as YAML. Empty if the app can't be deployed. */
export const printManifests = ({ manifests }: Plan, terminal: Terminal) =>
  Effect.gen(function* () {
    if (manifests === null) return
    const { toYaml } = yield* Effect.promise(() => import("@maxcloud/synth"))
    // Each starts a document, so that one file can contain those of several apps.
    terminal.print(`---\n${toYaml(manifests.filter(isManifest)).trimEnd()}`)
  })
