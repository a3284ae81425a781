/** A claim that identifies a token's owner, and the form that its pattern needs so that no other owner matches. */
interface OwnerClaim {
  readonly claim: string
  readonly fixes: (pattern: string) => boolean
}

/** Issuers that give a token to anybody with an account, and what a trust in them must contain. */
interface SharedIssuer {
  readonly name: string
  readonly is: (issuer: URL) => boolean
  readonly owners: ReadonlyArray<OwnerClaim>
  readonly example: string
  /** Claims with ids that belong to one owner permanently: names can be given up, and taken by somebody else. */
  readonly ids: ReadonlyArray<string>
  /** Does the pattern of a subject contain such an id? */
  readonly hasId: (sub: string) => boolean
  /** How to find the id. */
  readonly findId: string
}

const exact = (pattern: string) => !pattern.includes("*")
/** The first part of a path is the owner's, and can't contain a star. */
const ownerOfPath = (pattern: string) => /^[^*/]+(\/|$)/.test(pattern)

const sharedIssuers: ReadonlyArray<SharedIssuer> = [
  {
    name: "GitHub",
    is: ({ hostname }) => hostname === "token.actions.githubusercontent.com",
    owners: [
      // https://docs.github.com/en/actions/reference/security/oidc: `repo:OWNER/NAME:…`, or what the owner has chosen
      // instead, each after its name
      {
        claim: "sub",
        fixes: (value) => /^(repo|repository):[^*/:]+\/|^repository(_owner|_id|_owner_id):[^*/:]+(:|$)/.test(value)
      },
      { claim: "repository", fixes: (value) => /^[^*/]+\//.test(value) },
      { claim: "repository_id", fixes: exact },
      { claim: "repository_owner", fixes: exact },
      { claim: "repository_owner_id", fixes: exact }
    ],
    example: 'sub "repo:acme/shop:ref:refs/heads/main", or repository_owner_id "1234"',
    ids: ["repository_owner_id", "repository_id"],
    hasId: (value) => /^repository(_owner)?_id:\d+(:|$)|^repo:[^*/:@]+@\d+\//.test(value),
    findId: "`gh api users/OWNER --jq .id` prints the id of an owner"
  },
  {
    name: "GitLab",
    is: ({ hostname }) => hostname === "gitlab.com",
    owners: [
      // https://docs.gitlab.com/ci/secrets/id_token_authentication/: `project_path:GROUP/PROJECT:ref_type:…`
      { claim: "sub", fixes: (value) => /^project_path:[^*/:]+\//.test(value) },
      { claim: "project_path", fixes: (value) => /^[^*/]+\//.test(value) },
      { claim: "namespace_path", fixes: ownerOfPath },
      { claim: "project_id", fixes: exact },
      { claim: "namespace_id", fixes: exact }
    ],
    example: 'project_id "1234", or sub "project_path:acme/shop:ref_type:branch:ref:main"',
    ids: ["project_id", "namespace_id"],
    hasId: () => false,
    findId: "the page of a project shows its id"
  }
]

/** The same in every token: its purpose and time. */
const sayNothing: ReadonlySet<string> = new Set([
  "iss",
  "aud",
  "exp",
  "iat",
  "nbf",
  "jti",
  "azp",
  "auth_time",
  "nonce",
  "typ"
])

/** The same in anybody's job: its purpose and time. */
const ofJobsAlone: ReadonlySet<string> = new Set([
  "base_ref",
  "deployment_tier",
  "environment",
  "environment_protected",
  "event_name",
  "head_ref",
  "pipeline_source",
  "ref",
  "ref_path",
  "ref_protected",
  "ref_type",
  "repository_visibility",
  "runner_environment"
])

/**
 * A trust with an open subject (a star in `sub`, or no `sub`) accepts every subject of the named owner. So an exact
 * claim must name the owner, at every issuer. Otherwise the trust passes to whoever takes the name next, or whose name
 * also matches the pattern.
 */
const problemOfOpenSubject = (
  issuer: string,
  shared: SharedIssuer | undefined,
  claims: Readonly<Record<string, string>>
): string | undefined => {
  const sub = Object.hasOwn(claims, "sub") ? claims["sub"] : undefined
  if (sub !== undefined && exact(sub)) return undefined
  const open = sub === undefined ? "the trust has no subject" : `the subject "${sub}" contains a wildcard`
  const names = (claim: string) => Object.hasOwn(claims, claim) && exact(claims[claim] ?? "*")
  if (shared !== undefined) {
    if (shared.ids.some(names) || (sub !== undefined && shared.hasId(sub))) return undefined
    return `${open}. To tie the trust to one owner permanently, add the claim ${shared.ids.join(" or ")} with its value (${shared.findId}), or name one whole subject`
  }
  const tells = (claim: string) => claim !== "sub" && !sayNothing.has(claim) && !ofJobsAlone.has(claim)
  return Object.keys(claims).some((name) => tells(name) && names(name))
    ? undefined
    : `${open}. To tie the trust to one owner, add a claim without a wildcard with which ${issuer} names the owner or the project, preferably an id (such as repository_owner_id, namespace_id or project_id), or name one whole subject`
}

/** The problem with a trust's claims; undefined if they identify a token's owner. */
export const problemOfClaims = (issuer: string, claims: Readonly<Record<string, string>>): string | undefined => {
  const open = Object.entries(claims).find(([, pattern]) => /^\*+$/.test(pattern))
  if (open !== undefined) {
    return `the claim ${open[0]} matches any value ("${open[1]}"), so it has no effect. Remove it, or require a value.`
  }
  const shared = URL.canParse(issuer)
    ? sharedIssuers.find((sharedIssuer) => sharedIssuer.is(new URL(issuer)))
    : undefined
  if (shared !== undefined) {
    const isOwned = shared.owners.some(({ claim, fixes }) => {
      const pattern = Object.hasOwn(claims, claim) ? claims[claim] : undefined
      return pattern !== undefined && fixes(pattern)
    })
    return isOwned
      ? problemOfOpenSubject(issuer, shared, claims)
      : `anybody with an account at ${shared.name} can get a token of ${issuer}. Name the owner, without a star in the name, with the claim ${shared.owners.map((owner) => owner.claim).join(", ")}. For example: ${shared.example}`
  }
  return Object.keys(claims).some((claim) => !sayNothing.has(claim))
    ? problemOfOpenSubject(issuer, undefined, claims)
    : "None of the claims identifies the token's owner. Name sub, or another claim that the issuer gives to only one project or person"
}
