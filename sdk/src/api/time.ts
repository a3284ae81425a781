import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** A time in a response: RFC 3339 in UTC. */
export const Time = Schema.String.annotations({ jsonSchema: { type: "string", format: "date-time" } })

/** Date.parse takes February 31 as March 3. */
const isOnCalendar = (time: string): boolean => {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)T/.exec(time) ?? []
  if (year === undefined || month === undefined || day === undefined) return true
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  return Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= lastDay
}

/** A time in a request: RFC 3339, or a duration before now such as `10m`. */
export const TimeText = textUpTo(64, "The time")
  .pipe(
    Schema.pattern(/^(\d+(ms|s|m|h|d)|\d{4}-\d\d-\d\dT.+)$/, {
      message: () => 'Use a time such as "2026-01-31T12:00:00Z", or a duration before now such as "10m" or "24h".'
    }),
    Schema.filter((time) => isOnCalendar(time) || `${time.slice(0, 10)} isn't a day of the calendar.`)
  )
  .annotations({ description: "RFC 3339, or a duration before now such as `10m` (`ms`, `s`, `m`, `h`, `d`)." })
