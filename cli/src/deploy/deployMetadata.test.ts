import { execFileSync } from "node:child_process"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { deployMetadata, withoutCredentials } from "./deployMetadata.ts"

describe("the URL of a repository", () => {
  it("is sent without possible secrets, and left out if it's a folder", () => {
    const told = [
      ["https://ada:hunter2@github.com/acme/shop.git", "https://github.com/acme/shop.git"],
      [
        "https://oauth2:hunter2@gitlab.example/acme/shop?private_token=hunter2#hunter2",
        "https://gitlab.example/acme/shop"
      ],
      ["git@github.com:acme/shop.git", "ssh://github.com/acme/shop.git"],
      ["ssh://hunter2@host.example:2222/acme/shop", "ssh://host.example:2222/acme/shop"],
      ["/home/ada/hunter2", undefined],
      ["file:///home/ada/hunter2", undefined],
      ["C:\\hunter2", undefined],
      ["hunter2", undefined]
    ] as const
    for (const [written, expected] of told) expect(withoutCredentials(written), written).toBe(expected)
  })
})

describe("metadata of a deploy", () => {
  const found = (folder: string | undefined, written: ReadonlyArray<string>, env: Record<string, string>) =>
    Effect.runPromise(deployMetadata(folder, written, env))

  it("comes from the command line, else from the repository", async () => {
    const folder = temporaryFolder("metadata-")
    const git = (...args: ReadonlyArray<string>) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...args], { cwd: folder })
        .toString()
        .trim()
    git("init", "--quiet", "--initial-branch", "main")
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    git("remote", "add", "origin", "https://x-access-token:hunter2@github.com/acme/shop.git")
    const commit = git("rev-parse", "HEAD")
    expect(await found(folder, ["branch=mine", "ticket=SHOP-7=8"], {})).toStrictEqual({
      commit,
      branch: "mine",
      repository: "https://github.com/acme/shop.git",
      ticket: "SHOP-7=8"
    })
  })

  it("includes the run of GitHub and GitLab, and nothing else from the environment", async () => {
    const secrets = { GITHUB_TOKEN: "hunter2", CI_JOB_TOKEN: "hunter2", AWS_SECRET_ACCESS_KEY: "hunter2" }
    const github = {
      ...secrets,
      GITHUB_ACTIONS: "true",
      GITHUB_SHA: "abc",
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "acme/shop",
      GITHUB_RUN_ID: "7"
    }
    expect(await found(undefined, [], github)).toStrictEqual({
      commit: "abc",
      repository: "https://github.com/acme/shop",
      runUrl: "https://github.com/acme/shop/actions/runs/7"
    })
    const gitlab = {
      ...secrets,
      GITLAB_CI: "true",
      CI_COMMIT_SHA: "abc",
      CI_PROJECT_URL: "https://gitlab.example/acme/shop",
      CI_JOB_URL: "https://gitlab-ci-token:hunter2@gitlab.example/acme/shop/-/jobs/9"
    }
    expect(await found(undefined, [], gitlab)).toStrictEqual({
      commit: "abc",
      repository: "https://gitlab.example/acme/shop",
      runUrl: "https://gitlab.example/acme/shop/-/jobs/9"
    })
    expect(await found(undefined, [], { ...secrets, BUILD_URL: "x".repeat(600) })).toStrictEqual({})
    expect(Exit.isFailure(await Effect.runPromiseExit(deployMetadata(undefined, ["nothing"], {})))).toBe(true)
  })
})
