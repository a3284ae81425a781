import { ParseResult, Schema } from "effect"
import { bounds, quoted, textUpTo } from "./bounds.ts"
import { called, typedAs, writtenAs } from "./field.ts"
import { amountIn, bytesQuantity, byteUnits, cpuQuantity, shortUnits } from "./units.ts"

const fail = (ast: ConstructorParameters<typeof ParseResult.Type>[0], actual: unknown, message: string) =>
  ParseResult.fail(new ParseResult.Type(ast, actual, message))

const Quantity = textUpTo(bounds.quantityLength, "The amount")

/**
 * The CPU of one instance, in vCPU (`1`, `0.5`) or as a Kubernetes quantity of milli-vCPU (`"500m"`). Decoded to milli-vCPU, from 10 to
 * 64,000.
 */
export const Cpu = Schema.transformOrFail(
  Schema.Union(Schema.Number, Quantity).annotations({
    jsonSchema: {
      anyOf: [
        { type: "number", exclusiveMinimum: 0, maximum: 64 },
        { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?m?$", maxLength: bounds.quantityLength }
      ],
      description: 'vCPU per instance: 1, 0.5 or "500m".'
    }
  }),
  Schema.Int.pipe(Schema.brand("MilliCpu")),
  {
    strict: true,
    decode: (written, _, ast) => {
      const text = String(written)
      const amount = amountIn({ "": 1000, m: 1 }, text)
      if (amount === undefined) {
        return fail(
          ast,
          written,
          `${quoted(text)} isn't a valid amount of CPU. Use vCPU such as 1 or 0.5, or milli-vCPU such as "500m".`
        )
      }
      const milli = Math.round(amount)
      return milli >= 10 && milli <= 64_000
        ? ParseResult.succeed(milli)
        : fail(ast, written, `${quoted(text)} is out of range. An instance can have from 10m to 64 vCPU.`)
    },
    encode: (milli) => ParseResult.succeed(milli % 1000 === 0 ? milli / 1000 : cpuQuantity(milli))
  }
).annotations({
  ...typedAs("CpuQuantity"),
  ...called("vCPU"),
  ...writtenAs('In vCPU (`0.5`) or milli-vCPU (`"500m"`).')
})

const { T: _, Ti: __, ...memoryUnits } = byteUnits

/** The memory of one instance, in bytes or as a Kubernetes quantity (`"256Mi"`, `"1Gi"`). Decoded to bytes, from 16 MiB to 256 GiB. */
export const Memory = Schema.transformOrFail(
  Schema.Union(Schema.Number, Quantity).annotations({
    jsonSchema: {
      anyOf: [
        { type: "integer", minimum: 16_777_216, maximum: 274_877_906_944 },
        { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?(k|M|G|Ki|Mi|Gi)?$", maxLength: bounds.quantityLength }
      ],
      description: 'Memory per instance: bytes, or a quantity such as "256Mi" or "1Gi".'
    }
  }),
  Schema.Int.pipe(Schema.brand("Bytes")),
  {
    strict: true,
    decode: (written, _, ast) => {
      const text = String(written)
      const amount = amountIn(memoryUnits, text)
      if (amount === undefined) {
        return fail(
          ast,
          written,
          `${quoted(text)} isn't a valid amount of memory. Use bytes, or a quantity such as "256Mi" or "1Gi".`
        )
      }
      const bytes = Math.round(amount)
      return bytes >= 16 * 2 ** 20 && bytes <= 256 * 2 ** 30
        ? ParseResult.succeed(bytes)
        : fail(ast, written, `${quoted(text)} is out of range. An instance can have from 16Mi to 256Gi of memory.`)
    },
    encode: (bytes) => ParseResult.succeed(bytes % 1024 === 0 ? bytesQuantity(bytes) : bytes)
  }
).annotations({
  ...typedAs("MemoryQuantity"),
  ...called("bytes or a quantity"),
  ...writtenAs('In bytes, or with a unit: `"256Mi"`, `"1Gi"`.')
})

const notADuration = (text: string) =>
  `${quoted(text)} isn't a valid duration. Use a number with its unit, such as "500ms", "30s" or "5m".`

/** A duration from `min` to `max` with its unit (`"500ms"`, `"30s"`, `"5m"`, `"1h"`). Decoded to milliseconds. */
export const DurationBetween = (min: string, max: string, options: { readonly wholeSeconds?: boolean } = {}) => {
  const parse = (text: string): number | undefined => {
    const amount = amountIn(shortUnits, text)
    return amount === undefined ? undefined : Math.round(amount)
  }
  const least = parse(min) ?? 0
  const most = parse(max) ?? Number.MAX_SAFE_INTEGER
  return Schema.transformOrFail(
    Quantity.annotations({
      jsonSchema: {
        type: "string",
        pattern: "^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$",
        maxLength: bounds.quantityLength,
        description: `A duration with its unit, from ${min} to ${max}, such as "30s".`
      },
      message: (issue) => notADuration(String(issue.actual))
    }),
    Schema.Int.pipe(Schema.brand("Milliseconds")),
    {
      strict: true,
      decode: (text, _, ast) => {
        const ms = parse(text)
        if (ms === undefined) {
          return fail(ast, text, notADuration(text))
        }
        if (ms < least || ms > most)
          return fail(ast, text, `${quoted(text)} is out of range. Use a duration from ${min} to ${max}.`)
        if (options.wholeSeconds === true && ms % 1000 !== 0)
          return fail(ast, text, `${quoted(text)} must be in whole seconds.`)
        return ParseResult.succeed(ms)
      },
      encode: (ms) => {
        for (const unit of ["h", "m", "s"] as const) {
          const size = shortUnits[unit]
          if (ms > 0 && ms % size === 0) return ParseResult.succeed(`${ms / size}${unit}`)
        }
        return ParseResult.succeed(`${ms}ms`)
      }
    }
  ).annotations({
    ...typedAs("DurationQuantity"),
    ...called("duration"),
    ...writtenAs('With its unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`.')
  })
}
