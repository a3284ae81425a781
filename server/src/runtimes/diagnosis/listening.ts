import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"

const fixOfPort = (port: number): string =>
  `Set \`port: ${port}\` in the config (or deploy with --port ${port}), or make the program listen on the variable PORT.`

/** On this machine each instance of a source gets a different port, so `port:` in the config doesn't help. */
export const fixOfSource = "Let the program listen on the port in the variable PORT, such as `process.env.PORT`."

/** The program listens on the port in the config, which the user expects to work. */
export const fixOfFixedPort = (port: number): string =>
  `Let the program read the port from the variable PORT, such as \`process.env.PORT\`. \`port: ${port}\` in the config has no effect on this machine, because each instance of a source without a Dockerfile gets its own port.`

/** Evidence of a closed port while others are open. */
export const portsSeen = (declared: number, open: ReadonlyArray<number>): ReadonlyArray<string> => [
  `port ${declared}: connection refused`,
  ...open.slice(0, 5).map((value) => `port ${value}: open`)
]

export const wrongPort = (
  listens: number,
  declared: number,
  evidence: ReadonlyArray<string>,
  { fix = fixOfPort(listens), suffix = "" } = {}
): Diagnosis =>
  diagnosisOf(
    "WrongPort",
    `the program listens on port ${listens}, not on ${declared}, where requests are sent${suffix}`,
    evidence,
    fix
  )

export const notListening = (
  port: number,
  seconds: number,
  evidence: ReadonlyArray<string>,
  { fix, suffix = "" }: { readonly fix?: string; readonly suffix?: string } = {}
): Diagnosis =>
  diagnosisOf(
    "NotListening",
    `the program isn't listening on port ${port} yet, ${seconds} s after its start${suffix}`,
    evidence,
    fix
  )

/** A probe got a status outside 200 to 399. */
export const wrongAnswer = (path: string, port: number, status: number, body = ""): Diagnosis => {
  const said = body.replace(/\s+/g, " ").trim().slice(0, 120)
  return diagnosisOf(
    "ProbeFailing",
    `the probe GET ${path} on port ${port} returned ${status}${said === "" ? "" : `: ${said}`}`,
    [`GET ${path}: ${status}${said === "" ? "" : ` ${JSON.stringify(said)}`}`]
  )
}

export const noAnswer = (path: string, port: number, timeoutMs: number): Diagnosis =>
  diagnosisOf("ProbeFailing", `the probe GET ${path} on port ${port} got no answer within ${timeoutMs / 1000} s`, [
    `port ${port}: open`,
    `GET ${path}: no answer`
  ])

export const loopbackOnly = (port: number, evidence: string): Diagnosis =>
  diagnosisOf("LoopbackOnly", `the program listens on port ${port} only on the loopback address`, [evidence])

/** The version of HTTP that the config declares for a program. */
export type Protocol = "http1" | "h2c"

/** The program speaks another version of HTTP than declared, so that each request is answered with 502. */
export const wrongProtocol = (port: number, declared: Protocol, evidence: ReadonlyArray<string>): Diagnosis => ({
  ...(declared === "http1"
    ? diagnosisOf(
        "WrongProtocol",
        `the program speaks only HTTP/2 on port ${port}, but requests arrive as HTTP/1.1, so each is answered with 502`,
        evidence,
        'Set `protocol: "h2c"` in the config (or deploy with --protocol h2c).'
      )
    : diagnosisOf(
        "WrongProtocol",
        `the program speaks only HTTP/1.1 on port ${port}, but requests arrive as HTTP/2, so each is answered with 502`,
        evidence,
        'Remove `protocol: "h2c"` from the config.'
      )),
  certain: true
})

/** The program closes connections on a request. Some servers that only speak HTTP/2 do, but so do others. */
export const closesConnections = (port: number): Diagnosis =>
  diagnosisOf(
    "WrongProtocol",
    `the program closes connections on port ${port} without an answer to an HTTP/1.1 request, as some servers do that only speak HTTP/2`,
    [`port ${port}: open`, "an HTTP/1.1 request: the connection was closed"],
    'If it is a gRPC or HTTP/2 server, set `protocol: "h2c"` in the config (or deploy with --protocol h2c).'
  )

/** A program's answer: a text to show, TLS, or something that is HTTP or unknown. */
type Heard = { readonly said: string; readonly first?: string }

/** A program that answers on its port with something other than HTTP; undefined if that isn't known. */
export const notHttp = (port: number, { first, said }: Heard, of: "image" | "source"): Diagnosis | undefined => {
  if (said === "tls")
    return diagnosisOf(
      "NotHttp",
      `the program speaks TLS on port ${port}, but requests arrive as plain HTTP`,
      [`port ${port}: open`, "an HTTP request: answered by TLS"],
      of === "image"
        ? "Let the program answer plain HTTP (the service's URL has HTTPS automatically), or set `port:` in the config to its HTTP port."
        : "Let the program answer plain HTTP: the service's URL has HTTPS automatically."
    )
  return said === "other" && first !== undefined
    ? diagnosisOf("NotHttp", `the program doesn't speak HTTP on port ${port}: it sent ${first}`, [
        `port ${port}: open`,
        `an HTTP request: answered by ${first}`
      ])
    : undefined
}

/** The program listens on several ports, and none of them speaks HTTP. */
export const noneSpeaksHttp = (ports: ReadonlyArray<number>): Diagnosis =>
  diagnosisOf(
    "NotHttp",
    `the program listens on ${ports.length === 1 ? `port ${ports[0]}` : `the ports ${ports.join(", ")}`} that the image exposes, but speaks HTTP on none`,
    ports.map((port) => `port ${port}: open`)
  )
