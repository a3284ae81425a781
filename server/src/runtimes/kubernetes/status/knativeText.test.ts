import { describe, expect, it } from "@effect/vitest"
import { knativeText } from "./knativeText.ts"

const condition = (reason: string, message: string, status: "True" | "False" | "Unknown" = "Unknown") => ({
  reason,
  message,
  status
})

describe("the text of a condition", () => {
  it("is the platform's own for a known reason", () => {
    const waiting = condition("RevisionMissing", 'Configuration "web" is waiting for a Revision to become ready.')
    expect(knativeText(waiting)).toBe("It waits for its first revision to become ready.")
    expect(knativeText(condition("IngressNotConfigured", "Ingress has not yet been reconciled."))).toBe(
      "The ingress hasn't taken the route yet."
    )
  })

  it("quotes Knative for any other", () => {
    expect(knativeText(condition("NewInKnative2", 'a "new" thing', "False"))).toBe('Knative says: "a \\"new\\" thing"')
    expect(knativeText(condition("NewInKnative2", "x".repeat(1_000))).length).toBeLessThan(600)
  })

  it("is empty without a message", () => {
    expect(knativeText(condition("RevisionMissing", ""))).toBe("")
  })
})
