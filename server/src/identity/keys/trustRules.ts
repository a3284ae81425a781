/** A claim that tells whose a token is, and what its pattern must be like so that it is nobody else's. */
interface OwnerClaim {
  readonly claim: string
  readonly fixes: (pattern: string) => boolean
}

/** Issuers that give a token to anybody who has an account: what a trust in them must say. */
interface SharedIssuer {
  readonly name: string
  readonly is: (issuer: URL) => boolean
  readonly owners: ReadonlyArray<OwnerClaim>
  readonly example: string
}

const exact = (pattern: string) => !pattern.includes("*")
/** The first part of a path is the owner's, and stands without a star. */
const ownerOfPath = (pattern: string) => /^[^*/]+(\/|$)/.test(pattern)

const sharedIssuers: ReadonlyArray<SharedIssuer> = [
  {
    name: "GitHub",
    is: ({ hostname }) => hostname === "token.actions.githubusercontent.com",
    owners: [
      // https://docs.github.com/en/actions/reference/security/oidc: `repo:OWNER/NAME:…`, or what the owner has chosen instead, each after its name
      {
        claim: "sub",
        fixes: (_) => /^(repo|repository):[^*/:]+\/|^repository(_owner|_id|_owner_id):[^*/:]+(:|$)/.test(_)
      },
      { claim: "repository", fixes: (_) => /^[^*/]+\//.test(_) },
      { claim: "repository_id", fixes: exact },
      { claim: "repository_owner", fixes: exact },
      { claim: "repository_owner_id", fixes: exact }
    ],
    example: 'sub "repo:acme/shop:ref:refs/heads/main", or repository "acme/shop"'
  },
  {
    name: "GitLab",
    is: ({ hostname }) => hostname === "gitlab.com",
    owners: [
      // https://docs.gitlab.com/ci/secrets/id_token_authentication/: `project_path:GROUP/PROJECT:ref_type:…`
      { claim: "sub", fixes: (_) => /^project_path:[^*/:]+\//.test(_) },
      { claim: "project_path", fixes: (_) => /^[^*/]+\//.test(_) },
      { claim: "namespace_path", fixes: ownerOfPath },
      { claim: "project_id", fixes: exact },
      { claim: "namespace_id", fixes: exact }
    ],
    example: 'project_path "acme/shop", or sub "project_path:acme/shop:ref_type:branch:ref:main"'
  }
]

/** Said of every token alike: what it is for, and when. */
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

/** What is wrong with the claims of a trust; undefined: they tell whose a token is. */
export const problemOfClaims = (issuer: string, claims: Readonly<Record<string, string>>): string | undefined => {
  const open = Object.entries(claims).find(([, pattern]) => /^\*+$/.test(pattern))
  if (open !== undefined) {
    return `the claim ${open[0]} is asked for with any value ("${open[1]}"), which says nothing: leave it out, or write what it must be`
  }
  const shared = URL.canParse(issuer) ? sharedIssuers.find((_) => _.is(new URL(issuer))) : undefined
  if (shared !== undefined) {
    const isOwned = shared.owners.some(({ claim, fixes }) => {
      const pattern = Object.hasOwn(claims, claim) ? claims[claim] : undefined
      return pattern !== undefined && fixes(pattern)
    })
    return isOwned
      ? undefined
      : `anybody with an account at ${shared.name} can have a token of ${issuer}: name whose it must be, without a star in the owner's name, by the claim ${shared.owners.map((_) => _.claim).join(", ")}. For example: ${shared.example}`
  }
  return Object.keys(claims).some((claim) => !sayNothing.has(claim))
    ? undefined
    : "none of the claims says whose a token is: name sub, or another claim that the issuer gives to one project or person alone"
}
