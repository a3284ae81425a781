import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"

const fixOfPort = (port: number): string =>
  `Write \`port: ${port}\` in the config (or deploy with --port ${port}), or make the program listen on the variable PORT.`

/** A source gets another port for each of its instances on this machine, so no `port:` in the config helps it. */
export const fixOfSource =
  "Let the program listen on the port that the variable PORT gives, such as `process.env.PORT`."

/** Evidence of a port that is closed, while others are open. */
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
    `the program listens on port ${listens}, not on ${declared} where its requests are sent${suffix}`,
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
    `the program does not listen on port ${port} yet, ${seconds} s after its start${suffix}`,
    evidence,
    fix
  )

/** A probe that is answered, but not with a status from 200 to 399. */
export const wrongAnswer = (path: string, port: number, status: number, body = ""): Diagnosis => {
  const said = body.replace(/\s+/g, " ").trim().slice(0, 120)
  return diagnosisOf(
    "ProbeFailing",
    `the probe GET ${path} on port ${port} returned ${status}${said === "" ? "" : `: ${said}`}`,
    [`GET ${path}: ${status}${said === "" ? "" : ` ${JSON.stringify(said)}`}`]
  )
}

export const noAnswer = (path: string, port: number, timeoutMs: number): Diagnosis =>
  diagnosisOf("ProbeFailing", `the probe GET ${path} on port ${port} is not answered within ${timeoutMs / 1000} s`, [
    `port ${port}: open`,
    `GET ${path}: no answer`
  ])

export const loopbackOnly = (port: number, evidence: string): Diagnosis =>
  diagnosisOf("LoopbackOnly", `the program listens on port ${port} only on the loopback address`, [evidence])

/** A program's answer: a text to show, TLS, or something that is HTTP or unknown. */
type Heard = { readonly said: string; readonly first?: string }

/** A program that answers on its port by something else than HTTP; undefined where it isn't known to. */
export const notHttp = (port: number, { first, said }: Heard, of: "image" | "source"): Diagnosis | undefined => {
  if (said === "tls")
    return diagnosisOf(
      "NotHttp",
      `the program speaks TLS on port ${port}, and requests are sent to it as plain HTTP`,
      [`port ${port}: open`, "an HTTP request: answered by TLS"],
      of === "image"
        ? "Let the program answer plain HTTP (the service's URL has HTTPS by itself), or name its HTTP port with `port:` in the config."
        : "Let the program answer plain HTTP: the service's URL has HTTPS by itself."
    )
  return said === "other" && first !== undefined
    ? diagnosisOf("NotHttp", `the program doesn't speak HTTP on port ${port}: it sent ${first}`, [
        `port ${port}: open`,
        `an HTTP request: answered by ${first}`
      ])
    : undefined
}

/** The program listens on several ports, and none of them answers HTTP. */
export const noneSpeaksHttp = (ports: ReadonlyArray<number>): Diagnosis =>
  diagnosisOf(
    "NotHttp",
    `the program listens on ${ports.length === 1 ? `port ${ports[0]}` : `the ports ${ports.join(", ")}`} that the image exposes, and answers HTTP on none`,
    ports.map((port) => `port ${port}: open`)
  )
