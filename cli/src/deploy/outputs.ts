import { randomUUID } from "node:crypto"
import { appendFile } from "node:fs/promises"
import { Effect } from "effect"
import type { Cloud } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"

export type Outputs = Readonly<Record<string, string>>

/** Valid names of outputs. Any other name would break the lines of the file below. */
const outputName = /^[A-Za-z_][A-Za-z0-9_-]*$/

/**
 * Formats outputs for `$GITHUB_OUTPUT` (GitHub: "Workflow commands", multiline strings). No value can end its own block, because the
 * delimiter is random.
 */
export const githubOutput = (outputs: Outputs, delimiter: () => string = () => `maxcloud_${randomUUID()}`): string =>
  Object.entries(outputs)
    .filter(([name]) => outputName.test(name))
    .map(([name, value]) => {
      const end = delimiter()
      return `${name}<<${end}\n${value}\n${end}\n`
    })
    .join("")

/** Passes the outputs to later steps of a GitHub Actions job. */
const tellGithub = (outputs: Outputs) => {
  const file = process.env["GITHUB_OUTPUT"] ?? ""
  const text = githubOutput(outputs)
  if (file === "" || text === "") return Effect.void
  return Effect.tryPromise({
    try: () => appendFile(file, text),
    catch: (error) =>
      new CommandFailed({
        tag: "FileNotWritten",
        exit: 1,
        message: `the app is deployed, but its outputs couldn't be written to GITHUB_OUTPUT: ${error instanceof Error ? error.message : String(error)}`,
        fix: "check the file, then run `maxcloud output`"
      })
  })
}

/** The app that was deployed, such as a loaded config. */
interface Deployed {
  readonly spec: { readonly app: string; readonly outputs?: object | undefined }
  readonly stage: string
}

/** The outputs of an app that was just deployed. Later steps of a GitHub Actions job get them too. */
export const outputsOf = (cloud: Cloud, deployed: Deployed | undefined) =>
  Effect.gen(function* () {
    if (deployed === undefined || Object.keys(deployed.spec.outputs ?? {}).length === 0) return {}
    const outputs: Outputs = yield* cloud.apps.outputs(deployed.spec.app, { stage: deployed.stage })
    yield* tellGithub(outputs)
    return outputs
  })
