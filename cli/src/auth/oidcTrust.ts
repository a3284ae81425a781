import { Effect } from "effect"
import { UsageError } from "../errors/failure.ts"

export interface WrittenTrust {
  readonly github: string | undefined
  readonly gitlab: string | undefined
  readonly branch: string | undefined
  readonly issuer: string | undefined
  readonly claim: ReadonlyArray<string>
}

export interface Trusted {
  readonly issuer: string
  readonly claims: Readonly<Record<string, string>>
}

const wrong = (message: string, fix: string) => Effect.fail(new UsageError({ message, fix }))

const ownClaims = (written: ReadonlyArray<string>): Effect.Effect<Record<string, string>, UsageError> =>
  Effect.map(
    Effect.forEach(written, (claim) => {
      const at = claim.indexOf("=")
      return at > 0 && at < claim.length - 1
        ? Effect.succeed([claim.slice(0, at), claim.slice(at + 1)] as const)
        : wrong(`"${claim}" isn't a claim`, "use a form like --claim 'sub=job:shop:main'")
    }),
    (found) => Object.fromEntries(found)
  )

/**
 * Parses the issuer and claims that the user wrote. GitHub ("OpenID Connect reference"): `sub` of a push to a branch is
 * `repo:OWNER/REPO:ref:refs/heads/BRANCH`, and every token has `repository`. GitLab ("ID token payload"):
 * `sub` is `project_path:GROUP/PROJECT:ref_type:branch:ref:BRANCH`. Without a branch, the server also requires the owner's id.
 */
export const trustOf = (input: WrittenTrust): Effect.Effect<Trusted, UsageError> =>
  Effect.gen(function* () {
    const { branch, github, gitlab, issuer } = input
    const claims = yield* ownClaims(input.claim)
    if (github !== undefined && gitlab !== undefined) {
      return yield* wrong("--github and --gitlab can't be combined", "add a trust for each")
    }
    if (branch !== undefined && (branch === "" || (github === undefined && gitlab === undefined))) {
      return yield* wrong(
        "--branch works only with --github or --gitlab",
        "use your issuer's claim instead, for example --claim ref=main"
      )
    }
    if (github !== undefined) {
      if (!/^[\w.-]+\/[\w.-]+$/.test(github)) {
        return yield* wrong(`"${github}" isn't a repository`, "use --github OWNER/REPO")
      }
      const own = branch === undefined ? { repository: github } : { sub: `repo:${github}:ref:refs/heads/${branch}` }
      return { issuer: issuer ?? "https://token.actions.githubusercontent.com", claims: { ...own, ...claims } }
    }
    if (gitlab !== undefined) {
      if (!/^[\w.-]+(\/[\w.-]+)+$/.test(gitlab)) {
        return yield* wrong(`"${gitlab}" isn't a project`, "use --gitlab GROUP/PROJECT")
      }
      const own =
        branch === undefined
          ? { project_path: gitlab }
          : { sub: `project_path:${gitlab}:ref_type:branch:ref:${branch}` }
      return { issuer: issuer ?? "https://gitlab.com", claims: { ...own, ...claims } }
    }
    if (issuer === undefined || Object.keys(claims).length === 0) {
      return yield* wrong(
        "no issuer named",
        "add --github OWNER/REPO, --gitlab GROUP/PROJECT, or --issuer URL with at least one --claim"
      )
    }
    return { issuer, claims }
  })
