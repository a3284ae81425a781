import { execFile } from "node:child_process"
import type { GitState } from "@maxcloud/config-schema"

const limitMs = 5_000

/** Git's output; undefined if git isn't installed, fails or takes too long. */
export const git = (folder: string, ...args: ReadonlyArray<string>): Promise<string | undefined> =>
  new Promise((resolve) => {
    // Without optional locks, to never disturb the user's own git.
    const env = { ...process.env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0" }
    const options = { cwd: folder, env, timeout: limitMs, maxBuffer: 16 * 2 ** 20 }
    execFile("git", [...args], options, (error, stdout) => resolve(error === null ? stdout : undefined))
  })

type Environment = Readonly<Record<string, string | undefined>>

/** CI's branch, from the variables of GitHub, GitLab, Bitbucket, CircleCI, Buildkite, Azure and Jenkins, in this order. */
const branchOfCi = (env: Environment): string | undefined =>
  [
    env["GITHUB_HEAD_REF"],
    env["GITHUB_REF_TYPE"] === "branch" ? env["GITHUB_REF_NAME"] : undefined,
    env["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"],
    env["CI_COMMIT_BRANCH"],
    env["BITBUCKET_BRANCH"],
    env["CIRCLE_BRANCH"],
    env["BUILDKITE_BRANCH"],
    env["BUILD_SOURCEBRANCHNAME"],
    env["CHANGE_BRANCH"],
    env["BRANCH_NAME"]
  ].find((name) => name !== undefined && name !== "")

/** The state of the git repository around `folder`; undefined if there is none, or it has no commit yet. */
export const gitStateOf = async (folder: string, env: Environment = process.env): Promise<GitState | undefined> => {
  const commit = (await git(folder, "rev-parse", "--verify", "HEAD^{commit}"))?.trim()
  if (commit === undefined) return undefined
  const [head, status] = await Promise.all([
    git(folder, "symbolic-ref", "--quiet", "--short", "HEAD"),
    // Like `git describe --dirty`: untracked files, such as a build's output, aren't changes.
    git(folder, "status", "--porcelain", "--untracked-files=no")
  ])
  const branch = head === undefined ? branchOfCi(env) : head.trim()
  return { branch, commit, dirty: status !== undefined && status !== "" }
}
