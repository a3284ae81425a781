import { Effect } from "effect"
import { texts } from "../args/flags.ts"
import { loadTools } from "../client.ts"
import { UsageError } from "../errors/failure.ts"

export const metadataFlag = texts("metadata", "KEY=VALUE", {
  description: "Additional metadata for this deployment, besides the detected commit, branch, repository and CI run"
})

type Environment = Readonly<Record<string, string | undefined>>
type Found = Readonly<Record<string, string | undefined>>

/** The URL without user, password, query and fragment, which may contain a token; undefined if its kind is unknown. */
export const withoutCredentials = (written: string): string | undefined => {
  const text = written.trim()
  // Git's form of SSH remotes: user@host:path.
  const short = /^(?:[^@/:\s]+@)?([A-Za-z0-9.-]+):(?!\/\/)([^\s?#]+)$/.exec(text)
  if (short !== null && !/^[A-Za-z]$/.test(short[1] ?? "")) return `ssh://${short[1]}/${short[2]?.replace(/^\//, "")}`
  if (!URL.canParse(text)) return undefined
  const { host, pathname, protocol } = new URL(text)
  return ["https:", "http:", "ssh:", "git:"].includes(protocol) ? `${protocol}//${host}${pathname}` : undefined
}

/** A CI run's variables, by system. This reads nothing else of the environment. */
const ofCi = (env: Environment): Found => {
  const server = env["GITHUB_SERVER_URL"]
  const name = env["GITHUB_REPOSITORY"]
  const repository = server === undefined || name === undefined ? undefined : `${server}/${name}`
  const run = env["GITHUB_RUN_ID"]
  if (env["GITHUB_ACTIONS"] === "true") {
    return {
      commit: env["GITHUB_SHA"],
      repository,
      runUrl: repository === undefined || run === undefined ? undefined : `${repository}/actions/runs/${run}`
    }
  }
  if (env["GITLAB_CI"] === "true") {
    return {
      commit: env["CI_COMMIT_SHA"],
      repository: env["CI_PROJECT_URL"],
      runUrl: env["CI_JOB_URL"] ?? env["CI_PIPELINE_URL"]
    }
  }
  return { runUrl: env["BUILDKITE_BUILD_URL"] ?? env["CIRCLE_BUILD_URL"] ?? env["BUILD_URL"] }
}

const ofGit = (folder: string, env: Environment): Effect.Effect<Found> =>
  Effect.flatMap(loadTools, ({ git, gitStateOf }) =>
    Effect.promise(async () => {
      const [state, remote] = await Promise.all([gitStateOf(folder, env), git(folder, "remote", "get-url", "origin")])
      if (state === undefined) return {}
      return { commit: state.commit, branch: state.branch, repository: remote, dirty: state.dirty ? "true" : undefined }
    })
  )

const urls = new Set(["repository", "runUrl"])

/** Drops values that the API would refuse. */
const usable = (found: Found) =>
  Object.entries(found).flatMap(([key, value]) => {
    const text = value === undefined || !urls.has(key) ? value : withoutCredentials(value)
    const isFit = text !== undefined && text !== "" && text.length <= 500 && !/\p{Cc}/u.test(text)
    return isFit ? [[key, text] as const] : []
  })

const parseWritten = (written: string): Effect.Effect<readonly [string, string], UsageError> => {
  const at = written.indexOf("=")
  return at > 0
    ? Effect.succeed([written.slice(0, at), written.slice(at + 1)])
    : new UsageError({ message: `"${written}" isn't valid metadata`, fix: "use the form --metadata KEY=VALUE" })
}

/**
 * Facts about a deployment: from the command line, which takes precedence, from the CI run, and from the git repository of `folder`
 * (undefined if the app's code isn't on this machine).
 */
export const deployMetadata = (
  folder: string | undefined,
  written: ReadonlyArray<string>,
  env: Environment = process.env
): Effect.Effect<Readonly<Record<string, string>>, UsageError> =>
  Effect.gen(function* () {
    const own = yield* Effect.forEach(written, parseWritten)
    const git = folder === undefined ? {} : yield* ofGit(folder, env)
    return Object.fromEntries([...usable(ofCi(env)), ...usable(git), ...own])
  })
