import { assert, describe, expect, it } from "@effect/vitest"
import { checkedLookup, isRefusedAddress, NotPublic } from "./checkedLookup.ts"

const lookedUp = (reach: "public" | "private", all: boolean) =>
  new Promise<Error | null>((resolve) => checkedLookup(reach)("localhost", { all }, (error) => resolve(error)))

describe("an address that the server is told to call", () => {
  it("is checked when its name is resolved for the connection, whatever an earlier lookup returned", async () => {
    for (const all of [true, false]) {
      assert((await lookedUp("public", all)) instanceof NotPublic)
      expect(await lookedUp("private", all)).toBeNull()
    }
  })

  it("is refused if the URL contains it, in every notation", () => {
    for (const host of [
      "127.0.0.1",
      "0x7f.1",
      "2130706433",
      "[::1]",
      "[::ffff:10.1.2.3]",
      "169.254.169.254",
      "[fe80::1]"
    ]) {
      expect(isRefusedAddress(new URL(`https://${host}/`), "public"), host).toBe(true)
    }
    expect(isRefusedAddress(new URL("https://8.8.8.8/"), "public")).toBe(false)
    expect(isRefusedAddress(new URL("https://169.254.169.254/"), "private")).toBe(true)
  })
})
