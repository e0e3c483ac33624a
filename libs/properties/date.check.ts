const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](.+))?$/;
/** Offsets up to ±15:59 and nanoseconds: more is beyond what Postgres can compare, and beyond any clock or zone. */
const TIME = /^([01]\d|2[0-3]):([0-5]\d):(?:[0-5]\d(?:\.\d{1,9})?|(60))(?:[Zz]|([+-])(0\d|1[0-5]):([0-5]\d))$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MINUTES_PER_DAY = 1440;

/** Whether the text is a day of the calendar (`2026-02-28`) or an RFC 3339 date-time (`2026-02-28T09:30:00+01:00`). */
export function isDate(text: string): boolean {
  const date = DATE.exec(text);
  if (date === null) return false;
  const [, year, month, day, time] = date;
  return isDay(Number(year), Number(month), Number(day)) && (time === undefined || isTime(time));
}

/** There is no year 0: 1 BC came before AD 1, and Postgres agrees. */
function isDay(year: number, month: number, day: number): boolean {
  const days = month === 2 && isLeapYear(year) ? 29 : DAYS[month - 1];
  return year > 0 && day > 0 && days !== undefined && day <= days;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function isTime(text: string): boolean {
  const time = TIME.exec(text);
  if (time === null) return false;
  const [, hour, minute, leapSecond, sign = '+', offsetHour = '0', offsetMinute = '0'] = time;
  if (leapSecond === undefined) return true;
  // Leap seconds are inserted at the end of a UTC day.
  const offset = (sign === '-' ? -1 : 1) * (Number(offsetHour) * 60 + Number(offsetMinute));
  const utcMinute = Number(hour) * 60 + Number(minute) - offset;
  return (utcMinute + MINUTES_PER_DAY) % MINUTES_PER_DAY === MINUTES_PER_DAY - 1;
}
