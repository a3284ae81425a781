import { resolve } from "node:path"
import type { OperatorFailure, OperatorResult } from "@maxcloud/server"
import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { suggest } from "../args/suggest.ts"
import type { ExitCode } from "../errors/exitCodes.ts"
import { CommandFailed } from "../errors/failure.ts"

/** The flags of these commands that locate the server. */
export const dataDirFlag = text("data-dir", "FOLDER", {
  description: "Data folder (MAXCLOUD_DATA_DIR) [.maxcloud]"
})

export const operatorNote =
  "Run it with the environment of the server (DATABASE_URL, MAXCLOUD_MASTER_KEY …). The server may be running or stopped."

const exits: Readonly<Record<OperatorFailure["reason"], ExitCode>> = {
  setting: 2,
  quota: 2,
  database: 3,
  key: 1,
  audit: 1,
  disk: 1,
  organization: 5
}

/** How many organizations a message lists if none has a similar name. */
const told = 10

const fixOf = (organizations: ReadonlyArray<string>, written: string) => {
  const near = suggest(written, organizations)
  if (near !== undefined) return `did you mean "${near}"?`
  if (organizations.length === 0) return "there are no organizations yet"
  const more = organizations.length > told ? `, and ${organizations.length - told} more` : ""
  return `there are ${organizations.slice(0, told).join(", ")}${more}`
}

export const failed = (failure: OperatorFailure, organization = "") =>
  new CommandFailed({
    tag: "OperatorFailure",
    exit: exits[failure.reason],
    message: failure.message,
    data: { reason: failure.reason },
    ...(failure.organizations === undefined ? {} : { fix: fixOf(failure.organizations, organization) })
  })

type Operator = typeof import("@maxcloud/server")["operator"]

const loadOperator: Effect.Effect<Operator> = Effect.map(
  Effect.promise(() => import("@maxcloud/server")),
  (found) => found.operator
)

/** The settings from flags. */
export const placeOf = (dataDir: string | undefined) => (dataDir === undefined ? {} : { dataDir: resolve(dataDir) })

/** Runs an operator's command, and fails with its failure. */
export const operate = <A>(
  run: (operator: Operator) => Promise<OperatorResult<A>>,
  organization?: string
): Effect.Effect<A, CommandFailed> =>
  loadOperator.pipe(
    Effect.flatMap((operator) => Effect.promise(() => run(operator))),
    Effect.flatMap((result) => (result.ok ? Effect.succeed(result.value) : failed(result, organization)))
  )
