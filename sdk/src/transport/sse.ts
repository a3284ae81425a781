/** One event of a stream (WHATWG HTML, 9.2 "Server-sent events"). `id` is the stream's last id. */
export interface ServerSentEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

/** Parses events from chunks of text, which may be split anywhere. Skips comments and unknown fields. */
export const makeEventParser = (): { readonly push: (text: string) => ReadonlyArray<ServerSentEvent> } => {
  let rest = ""
  let id = ""
  let event = ""
  let data: Array<string> = []

  const takeLine = (line: string, out: Array<ServerSentEvent>) => {
    if (line === "") {
      if (data.length > 0) out.push({ id, event: event === "" ? "message" : event, data: data.join("\n") })
      event = ""
      data = []
      return
    }
    const colon = line.indexOf(":")
    if (colon === 0) return
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1)
    if (field === "data") data.push(value)
    else if (field === "event") event = value
    else if (field === "id" && !value.includes("\0")) id = value
  }

  return {
    push: (text) => {
      const out: Array<ServerSentEvent> = []
      rest += text
      let start = 0
      for (;;) {
        const found = /\r\n|\n|\r/g
        found.lastIndex = start
        const end = found.exec(rest)
        // A "\r" at the end of a chunk may be the first half of "\r\n": wait for the next chunk.
        if (end === null || (end[0] === "\r" && found.lastIndex === rest.length)) break
        takeLine(rest.slice(start, end.index), out)
        start = found.lastIndex
      }
      rest = rest.slice(start)
      return out
    }
  }
}
