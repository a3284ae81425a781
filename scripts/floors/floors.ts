/**
 * Which folder of `server/src` stands where, from the ground up. A folder imports only what stands before it in this list:
 * from floors below its own, and from rooms before it on its own floor.
 */
export interface Floor {
  readonly name: string
  readonly about: string
  /** Empty: the floor is one room. */
  readonly rooms: ReadonlyArray<{ readonly name: string; readonly about: string }>
}

const floor = (name: string, about: string, rooms: Readonly<Record<string, string>> = {}): Floor => ({
  name,
  about,
  rooms: Object.entries(rooms).map(([room, text]) => ({ name: room, about: text }))
})

export const floors: ReadonlyArray<Floor> = [
  floor("base", "what every part needs", {
    node: "guarded callbacks, clocks and sockets of Node itself",
    host: "processes, users and faults of this machine",
    pages: "HTML, problem documents and the language of a reader",
    words: "types that every floor speaks of: organization, request id, target",
    proxy: "HTTP/1.1 and HTTP/2 between callers and whoever answers",
    settings: "what the server can be told, and its reference",
    telemetry: "logs, traces and metrics",
    disk: "how full the disk is, and what is refused because of it",
    postgres: "the embedded Postgres, and what its errors mean",
    database: "connections, migrations, row security",
    keys: "master keys, and the data keys that they wrap",
    replicas: "which server looks after which organization",
    outbound: "the server's own requests, through a proxy if there is one"
  }),
  floor("tenancy", "who may do what, and how much of it", {
    mail: "the outbox, Resend, SMTP",
    organizations: "the tenants",
    events: "what happened, for readers and webhooks",
    limits: "rate limits and quotas",
    access: "callers, roles and the policy table",
    repeats: "answers to requests with an idempotency key",
    audit: "the hash chain, its checkpoints, its export",
    policies: "rules of an organization for its apps, in CEL",
    identity: "accounts, sessions, members, invites, API keys, OIDC trusts",
    webhooks: "events on their way to addresses of tenants"
  }),
  floor("stores", "what tenants give, and what their services write", {
    secrets: "sealed secrets, and those of an external store",
    images: "tags, pulls, registries and their credentials",
    sources: "source snapshots, and their builds",
    logs: "log lines that are kept"
  }),
  floor("runtimes", "where services run", {
    port: "what every runtime offers: Runtime, Platform, NetworkVerifier",
    kubeApi: "the client of the Kubernetes API",
    network: "probes of what a cluster's network lets through",
    diagnosis: "what both runtimes say about a fault",
    local: "processes and containers on this machine",
    kubernetes: "Knative on a cluster",
    choose: "the table of runtimes, and which one is meant"
  }),
  floor("control", "what is deployed, and that it stays so", {
    drift: "what others changed on the cluster",
    retention: "what is kept for how long",
    deployments: "plans, deployments, the work queue, the reconciler",
    privacy: "export, deletion, erasure",
    services: "statuses, pauses, restarts",
    usage: "what services used"
  }),
  floor("operator", "commands of whoever runs the server", {
    backup: "backup, restore, verification",
    cluster: "installation on a cluster, and its check",
    commands: "quotas, audit, caches",
    check: "is the data whole?",
    readiness: "can this server do its work?"
  }),
  floor("edge", "what the outside talks to", {
    local: "the owner of this machine",
    http: "access modes, routes, problems, pace",
    gateway: "the authorizer that Envoy asks",
    exec: "programs that members run in instances",
    pages: "sign-in, devices, links",
    api: "the gate and the handlers"
  }),
  floor("assembly", "the whole server, and `embedded()`")
]

/** Rooms from the ground up, as paths below `server/src`. */
export const rooms: ReadonlyArray<string> = floors.flatMap(({ name, rooms }) =>
  rooms.length === 0 ? [name] : rooms.map((room) => `${name}/${room.name}`)
)
