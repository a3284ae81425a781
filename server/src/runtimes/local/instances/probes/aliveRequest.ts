/** No program serves this path, so the request causes no work, and the name explains it in the program's log. */
export const alivePath = "/.well-known/maxcloud/alive"

/** A complete request for this path, whose answer has no body. */
export const aliveRequest = (host: string): Buffer =>
  Buffer.from(
    `HEAD ${alivePath} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: kube-probe/maxcloud\r\nConnection: close\r\n\r\n`
  )

/** The start of an HTTP/2 connection (RFC 9113, 3.4): the program's own settings are an answer, without a request. */
export const http2Preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
])
