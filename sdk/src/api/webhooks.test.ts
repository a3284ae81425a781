import { describe, expect, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { SetPolicy } from "./policies.ts"
import { CreateWebhook } from "./webhooks.ts"

const faultOf = <A, I>(schema: Schema.Schema<A, I>, value: unknown) =>
  Either.match(Schema.decodeUnknownEither(schema)(value), { onLeft: (error) => error.message, onRight: () => "" })
const hidden = ["\u202e", "\u2066", "\u200b", "\u2028", "\u009b", "\0", "\u{e0041}"]

describe("a webhook's URL", () => {
  const ofUrl = (url: string) => faultOf(CreateWebhook, { url })

  it("has no character that a parser drops or changes, and that a reader would not see", () => {
    for (const part of [...hidden, "\r\n", "\t", " ", "\\"]) {
      expect(ofUrl(`https://example.com/${part}x`), JSON.stringify(part)).toContain("an invisible character")
    }
    expect(ofUrl("https://example.com\\@127.0.0.1/")).toContain("a backslash")
    expect(ofUrl("https://bücher.example/%20?a=b")).toBe("")
  })

  it("is refused for what is wrong with it", () => {
    expect(ofUrl("ftp://example.com/")).toContain(`can't begin with "ftp:"`)
    expect(ofUrl("example.com/hooks")).toContain("isn't a URL")
    expect(ofUrl("https://a:b@example.com/")).toContain("without a user name")
    expect(ofUrl("https://example.com/#a")).toContain("a fragment")
  })
})

describe("texts that other people read", () => {
  it("hide and reorder nothing", () => {
    for (const part of hidden) {
      const text = `for${part}us`
      expect(faultOf(CreateWebhook, { url: "https://example.com/", description: text })).toContain(
        "The description has"
      )
      expect(faultOf(SetPolicy, { expression: "true", message: text })).toContain("The message has")
    }
    const lines = "two\nlines\tשלום"
    expect(faultOf(SetPolicy, { expression: "true", message: lines })).toBe("")
    expect(faultOf(CreateWebhook, { url: "https://example.com/", description: lines })).toContain("a line break")
  })
})
