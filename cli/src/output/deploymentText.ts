import type { Deployment } from "@maxcloud/sdk/api"
import { entryOf } from "./entryOf.ts"
import { printable } from "./format.ts"
import type { Terminal } from "./terminal.ts"

const styles = {
  queued: "yellow",
  running: "yellow",
  succeeded: "green",
  failed: "red",
  superseded: "dim",
  cancelled: "dim"
} as const

export const deploymentState = ({ status }: Deployment, terminal: Terminal): string =>
  terminal.paint(entryOf<"yellow" | "green" | "red" | "dim">(styles, status.state, "dim"), printable(status.state))

/** Its pull or merge request. */
export const deploymentKind = ({ fromDeployment, kind }: Deployment): string =>
  fromDeployment === null ? kind : `${kind} to ${fromDeployment}`
