import { resolve } from "node:path"
import type { OperatorFailure, OperatorResult } from "@maxcloud/server"
import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { suggest } from "../args/suggest.ts"
import type { ExitCode } from "../errors/exitCodes.ts"
import { CommandFailed } from "../errors/failure.ts"

/** The flags of these commands that say where the server is. */
export const dataDirFlag = text("data-dir", "FOLDER", {
  description: "Data folder (MAXCLOUD_DATA_DIR) [.maxcloud]"
})

export const operatorNote =
  "Run it with the environment of the server (DATABASE_URL, MAXCLOUD_MASTER_KEY …), while it runs or not."

const exits: Readonly<Record<OperatorFailure["reason"], ExitCode>> = {
  setting: 2,
  quota: 2,
  database: 3,
  key: 1,
  audit: 1,
  disk: 1,
  organization: 5
}

/** Organizations that a message lists if no name resembles the written one. */
const told = 10

const fixOf = (organizations: ReadonlyArray<string>, written: string) => {
  const near = suggest(written, organizations)
  if (near !== undefined) return `did you mean "${near}"?`
  if (organizations.length === 0) return "there is none yet"
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

/** The settings that flags say. */
export const placeOf = (dataDir: string | undefined) => (dataDir === undefined ? {} : { dataDir: resolve(dataDir) })

/** Carries out a command of an operator; a failure ends this one. */
export const operate = <A>(
  run: (operator: Operator) => Promise<OperatorResult<A>>,
  organization?: string
): Effect.Effect<A, CommandFailed> =>
  loadOperator.pipe(
    Effect.flatMap((operator) => Effect.promise(() => run(operator))),
    Effect.flatMap((result) => (result.ok ? Effect.succeed(result.value) : failed(result, organization)))
  )
