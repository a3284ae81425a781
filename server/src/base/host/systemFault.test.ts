import { assert, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { errorText, type FaultKind, faultInText, faultText, retryAfterSecondsOf, systemFaultOf } from "./systemFault.ts"

const coded = (code: string, more: object = {}) => Object.assign(new Error("no"), { code, ...more })

describe("a fault of the machine or the database", () => {
  it.each<readonly [string, FaultKind, RegExp]>([
    ["ENOSPC", "diskFull", /^The disk of \/data is full\. Free some space/],
    ["EDQUOT", "diskQuota", /quota for \/data is used up\. Free some space, or raise/],
    ["EROFS", "diskReadOnly", /mounted read-only\. .*mount it for writing/],
    ["EIO", "diskFails", /input\/output errors\. .*dmesg/],
    ["ESTALE", "diskGone", /is gone\. Mount it again/],
    ["EFBIG", "fileSize", /ulimit -f/],
    ["EMFILE", "descriptors", /file descriptors of \/data are in use\. Raise the limit \(`ulimit -n`/],
    ["ENFILE", "descriptors", /of this machine are in use\. .*fs\.file-max/],
    ["ENOMEM", "memory", /no memory left/],
    ["EACCES", "permission", /no access to \/data\. .*chown/],
    ["53100", "diskFull", /^The disk of \/data is full/],
    ["53200", "memory", /no memory left/],
    ["53300", "connections", /connections of \/data are in use\. .*MAXCLOUD_DATABASE_POOL/],
    ["53400", "limit", /^\/data has reached a limit/],
    ["57014", "timeLimit", /MAXCLOUD_STATEMENT_TIMEOUT/],
    ["57P03", "restarting", /starting or stopping/],
    ["58030", "diskFails", /input\/output errors/],
    ["58P01", "damaged", /missing\. Check for more damage/],
    ["XX001", "damaged", /damaged on disk\. Check for more damage/],
    ["25006", "readOnly", /read-only\. Point DATABASE_URL/],
    ["55P03", "inTheWay", /Send the request again/],
    ["40P01", "inTheWay", /in favor of another/]
  ])("is recognized by its code: %s", (code, kind, words) => {
    const fault = systemFaultOf(coded(code))
    expect(fault?.kind).toBe(kind)
    expect(errorText(coded(code), "/data")).toMatch(words)
  })

  it("is attributed to the code's source unless a place is given", () => {
    const [system, database] = [systemFaultOf(coded("ENOSPC")), systemFaultOf(coded("53100"))]
    assert(system !== undefined)
    assert(database !== undefined)
    expect(faultText(system)).toMatch(/^The disk of the server is full\./)
    expect(faultText(database)).toMatch(/^The disk of the database is full\./)
  })

  it("is found in the causes of an error, and in the parts of an AggregateError", () => {
    const inner = coded("ENOSPC", { syscall: "write" })
    expect(systemFaultOf(new Error("outer", { cause: new Error("between", { cause: inner }) }))?.kind).toBe("diskFull")
    expect(systemFaultOf(new AggregateError([new Error("a"), inner]))?.kind).toBe("diskFull")
    const circle: { cause?: unknown } = {}
    circle.cause = circle
    expect(systemFaultOf(circle)).toBeUndefined()
  })

  it("is a process limit if a program or thread can't be started, and nothing if a socket has no data", () => {
    expect(systemFaultOf(coded("EAGAIN", { syscall: "spawn sh" }))?.kind).toBe("processes")
    expect(systemFaultOf(coded("EAGAIN", { syscall: "read" }))).toBeUndefined()
    expect(systemFaultOf(coded("EACCES", { syscall: "spawn ./x" }))).toBeUndefined()
  })

  it("is read from Postgres's message if one state stands for several faults", () => {
    const said = (code: string, message: string) => systemFaultOf(Object.assign(new Error(message), { code }))?.kind
    expect(said("42501", 'could not open file "base/1/2": Read-only file system')).toBe("diskReadOnly")
    expect(said("53000", "out of file descriptors: Too many open files in system")).toBe("descriptors")
    expect(said("42501", "permission denied for table apps")).toBeUndefined()
  })

  it.each<readonly [string, FaultKind]>([
    ['PANIC:  could not write to file "pg_wal/xlogtemp.7": No space left on device', "diskFull"],
    ["npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write", "diskFull"],
    ["sh: 1: Cannot fork: Resource temporarily unavailable", "processes"],
    ["Error: spawn sh EAGAIN", "processes"],
    ["runtime: failed to create new OS thread (have 2 already; errno=11)", "processes"],
    ["RuntimeError: can't start new thread", "processes"],
    ["bash: fork: retry: Resource temporarily unavailable", "processes"],
    ["open: Too many open files", "descriptors"],
    ["mmap: Cannot allocate memory", "memory"],
    ["read: Input/output error", "diskFails"]
  ])("is found in a program's output: %s", (text, kind) => {
    expect(faultInText(`first line\n${text}\nlast line`)?.kind).toBe(kind)
  })

  it("is undefined for any other error, whose message stays unchanged", () => {
    for (const code of ["ECONNREFUSED", "ENOENT", "EPIPE", "23505", "42P01", "08006", "EEXIS"]) {
      expect(systemFaultOf(coded(code)), code).toBeUndefined()
    }
    expect(errorText(coded("23505"))).toBe("no")
    expect(faultInText("the VIDEO has no ENOSPCX, and EIOS runs")).toBeUndefined()
    fc.assert(
      fc.property(fc.anything(), (value) => {
        assert(typeof errorText(value) === "string")
        expect(
          systemFaultOf({ cause: value, code: "hasOwnProperty" })?.fix.match(/undefined/) ?? undefined
        ).toBeUndefined()
      })
    )
  })

  it("asks for a quick retry only if it's temporary", () => {
    expect(retryAfterSecondsOf(systemFaultOf(coded("53300")))).toBe(1)
    expect(retryAfterSecondsOf(systemFaultOf(coded("53100")))).toBe(30)
    expect(retryAfterSecondsOf(undefined)).toBe(1)
  })
})
