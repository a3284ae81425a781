import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"

/** Ports for tools beside the program: that one of them is open says nothing of where the program answers. */
export const toolPorts: ReadonlyArray<number> = [2112, 4040, 5005, 6060, 9100, 9229, 9464, 9901, 15_000, 15_020]

const fixOfPort = (port: number): string =>
  `Write \`port: ${port}\` in the config (or deploy with --port ${port}), or let the program listen on the variable PORT.`

/** A source gets another port for each of its instances on this machine, so no `port:` in the config helps it. */
export const fixOfSource =
  "Let the program listen on the port that the variable PORT gives, such as `process.env.PORT`."

/** Evidence of a port that is closed, while others are open. */
export const portsSeen = (declared: number, open: ReadonlyArray<number>): ReadonlyArray<string> => [
  `port ${declared}: connection refused`,
  ...open.slice(0, 5).map((_) => `port ${_}: open`)
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
    `the probe GET ${path} on port ${port} is answered with status ${status}${said === "" ? "" : `: ${said}`}`,
    [`GET ${path}: ${status}${said === "" ? "" : ` ${JSON.stringify(said)}`}`]
  )
}

export const noAnswer = (path: string, port: number, timeoutMs: number): Diagnosis =>
  diagnosisOf("ProbeFailing", `the probe GET ${path} on port ${port} is not answered within ${timeoutMs / 1000} s`, [
    `port ${port}: open`,
    `GET ${path}: no answer`
  ])

export const loopbackOnly = (port: number, evidence: string): Diagnosis =>
  diagnosisOf("LoopbackOnly", `the program listens on port ${port} of its own loopback address only`, [evidence])
