import { type Operation, type OperationName, operations } from "@maxcloud/sdk/api"

interface Entry {
  readonly pattern: string
  /** The router's name for it, if different: the pattern for the credential's own organization. */
  readonly short: string
  readonly matches: RegExp
  readonly methods: Set<string>
  /** The methods that take a JSON body. */
  readonly withJson: Set<string>
  /** The operation of each method; pages have none. */
  readonly operations: Map<string, OperationName>
}

/** The pages. Anyone may request them; each decides what to show. */
export const page = {
  landing: "/",
  docs: "/api/docs",
  openapi: "/api/openapi.json",
  metrics: "/metrics",
  signIn: "/auth/sign-in",
  device: "/auth/device",
  verify: "/auth/verify",
  acceptInvite: "/auth/accept-invite",
  bootstrap: "/auth/bootstrap",
  problems: "/problems",
  problem: "/problems/:problem"
} as const

/** Pages with a form that is posted to them. */
export const formPages = [page.signIn, page.device, page.verify, page.acceptInvite, page.bootstrap] as const

const entries = new Map<string, Entry>()

const entryOf = (pattern: string, short = pattern): Entry => {
  const entry = entries.get(pattern) ?? {
    pattern,
    short,
    matches: new RegExp(`^${pattern.replace(/[.]/g, "\\.").replace(/:(\w+)/g, "(?<$1>[^/]+)")}/?$`),
    methods: new Set<string>(),
    withJson: new Set<string>(),
    operations: new Map<string, OperationName>()
  }
  entries.set(pattern, entry)
  return entry
}

const addTo = (entry: Entry, { method, name, takesJson }: Operation) => {
  entry.methods.add(method)
  entry.operations.set(method, name)
  if (takesJson) entry.withJson.add(method)
  if (method === "GET") {
    entry.methods.add("HEAD")
    entry.operations.set("HEAD", name)
  }
}
for (const operation of operations) {
  const { organizationPath, path } = operation
  addTo(entryOf(path), operation)
  if (organizationPath !== undefined) addTo(entryOf(organizationPath, path), operation)
}
for (const path of Object.values(page)) entryOf(path).methods.add("GET").add("HEAD")
for (const path of formPages) entryOf(path).methods.add("POST")

const parametersOf = ({ pattern }: Entry) => pattern.split("/:").length

/** In the router's order of preference: literal segments before parameters. */
const table: ReadonlyArray<Entry> = [...entries.values()].sort((a, b) => parametersOf(a) - parametersOf(b))

export interface Route {
  readonly pattern: string
  readonly methods: ReadonlySet<string>
  readonly withJson: ReadonlySet<string>
  readonly operations: ReadonlyMap<string, OperationName>
  /** The values of the pattern's `:names` in the URL, without `:org`. */
  readonly parameters: Readonly<Record<string, string>>
  /** The organization in the URL, exactly as written; undefined: the credential's own. */
  readonly organization: string | undefined
  /** The URL as the router sees it, without that organization. */
  readonly url: string
}

/** Rewrites a URL of `pattern` to its `short` form, which has the same last segments. Escapes stay: `%2F` isn't a separator. */
const shortUrl = (url: string, { pattern, short }: Entry): string => {
  if (short === pattern) return url
  const path = pathOf(url)
  const written = path.split("/")
  const before = pattern.split("/").length - short.split("/").length
  const segments = short.split("/").map((segment, at) => (segment.startsWith(":") ? written[at + before] : segment))
  return `${segments.join("/")}${url.slice(path.length)}`
}

/** Finds the route of a URL's path, and reads it like the router: `%61` is `a`, and `%2F` isn't a separator. */
export const routeOf = (url: string): Route | undefined => {
  const path = decoded(pathOf(url))
  if (path === undefined) return undefined
  for (const entry of table) {
    const match = entry.matches.exec(path)
    if (match === null) continue
    const { org: organization, ...parameters } = match.groups ?? {}
    return { ...entry, parameters, organization, url: shortUrl(url, entry) }
  }
  return undefined
}

export const pathOf = (url: string) => url.split(/[?#]/, 1)[0] ?? url

const decoded = (path: string): string | undefined => {
  try {
    return decodeURI(path)
  } catch {
    return undefined
  }
}
