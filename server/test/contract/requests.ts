import { type IncomingHttpHeaders, request } from "node:http"

export interface Answer {
  /** 0: no answer. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Requests a service by its URL, over a separate connection to the ingress: hosts of tests aren't in DNS. */
export const ask = (ingress: URL, url: string, path = "/"): Promise<Answer> =>
  new Promise((resolve) => {
    const failed = (error: Error) => resolve({ status: 0, headers: {}, body: error.message })
    request(
      { host: ingress.hostname, port: ingress.port, path, headers: { host: new URL(url).host }, agent: false },
      (response) => {
        let body = ""
        response
          .setEncoding("utf8")
          .on("data", (chunk) => {
            body += chunk
          })
          .on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
          .on("error", failed)
      }
    )
      .on("error", failed)
      .end()
  })

/** This many callers that keep sending requests, each with a short pause, until stopped. */
export const startLoad = (callers: number, once: () => Promise<Answer>) => {
  const answers: Array<Answer> = []
  let ended = false
  const call = async () => {
    while (!ended) {
      answers.push(await once())
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const all = Promise.all(Array.from({ length: callers }, call))
  return {
    answers,
    /** Resolves with all answers when the last one has arrived. */
    end: async (): Promise<ReadonlyArray<Answer>> => {
      ended = true
      await all
      return answers
    }
  }
}

/** Polls for something that emits no event. Fails with the last seen value. */
export const until = async <A>(
  what: string,
  look: () => Promise<A> | A,
  isSo: (seen: A) => boolean,
  seconds = 60
): Promise<A> => {
  const deadline = Date.now() + seconds * 1000
  while (true) {
    const seen = await look()
    if (isSo(seen)) return seen
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s, but ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}
