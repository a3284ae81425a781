import type { Author, SuspendedService } from "@maxcloud/sdk/api"
import { comes } from "./terminal.ts"

interface Place {
  readonly app: string
  readonly stage?: string | undefined
}

/** A command for this app and stage, to paste. */
export const appCommand = (command: string, { app, stage }: Place): string =>
  `maxcloud ${command} --app ${app}${stage === undefined || stage === "production" ? "" : ` --stage ${stage}`}`

/** `in 52m (2026-11-24T13:00:00Z)`. */
export const endText = (until: string): string => `${comes(until, Date.now())} (${until.replace(/\.\d+Z$/, "Z")})`

/** One line about an app that max-cloud doesn't repair, with the command that ends it. */
export const suspensionText = (
  place: Place,
  { createdBy, reason, until }: SuspendedService & { readonly createdBy?: Author | null }
): string => {
  const who = createdBy == null ? "" : ` by ${createdBy.name ?? createdBy.id}`
  return `${place.app} is suspended${who}: "${reason}". max-cloud reverts nothing in the cluster. It ends ${endText(until)}, or with \`${appCommand("suspend", place)} --end\``
}
