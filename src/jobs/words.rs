//! A schedule as a person would say it.

use crate::model::job::Schedule;

const DAYS: [(&str, &str); 7] = [
    ("sun", "Sunday"),
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
];

/// `every 15 minutes`, `at 09:00 on weekdays, Europe/Berlin`, `once at 2026-11-21 09:00 UTC`. A cron pattern that no short
/// sentence says stands as it was written.
pub fn words(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Every { every, phase } if phase.is_zero() => format!("every {}", every.words()),
        Schedule::Every { every, phase } => format!("every {}, {phase} in", every.words()),
        Schedule::Cron { cron, zone } => match said(cron) {
            Some((said, true)) => format!("{said}, {zone}"),
            Some((said, false)) => said,
            None => format!("cron {cron}, {zone}"),
        },
        Schedule::On(pattern) => format!("on {pattern}"),
        Schedule::At(time) => format!("once at {}", time.utc().format("%Y-%m-%d %H:%M UTC")),
        Schedule::Manual => "when asked".to_owned(),
    }
}

/// The sentence, and whether it makes a difference in which zone it is said.
fn said(cron: &str) -> Option<(String, bool)> {
    let cron = match cron.trim().to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *".to_owned(),
        "@daily" | "@midnight" => "0 0 * * *".to_owned(),
        "@weekly" => "0 0 * * 0".to_owned(),
        "@monthly" => "0 0 1 * *".to_owned(),
        other => other.to_owned(),
    };
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else { return None };
    if month != "*" {
        return None;
    }
    if hour == "*" && day == "*" && weekday == "*" {
        return rhythm(minute);
    }
    let (hour, minute) = (number(hour, 23)?, number(minute, 59)?);
    let days = match (day, weekday) {
        ("*", "*") => "every day".to_owned(),
        ("*", weekday) => format!("on {}", weekdays(weekday)?),
        (day, "*") => format!("on day {} of the month", number(day, 31).filter(|day| *day > 0)?),
        _ => return None,
    };
    Some((format!("at {hour:02}:{minute:02} {days}"), true))
}

fn rhythm(minute: &str) -> Option<(String, bool)> {
    if minute == "*" {
        return Some(("every minute".to_owned(), false));
    }
    if let Some(step) = minute.strip_prefix("*/").and_then(|step| number(step, 30)) {
        return (step > 1 && 60 % step == 0).then(|| (format!("every {step} minutes"), false));
    }
    number(minute, 59).map(|minute| (format!("every hour at :{minute:02}"), false))
}

fn weekdays(field: &str) -> Option<String> {
    match field {
        "1-5" | "mon-fri" => return Some("weekdays".to_owned()),
        "0,6" | "6,0" | "6,7" | "sat,sun" | "sun,sat" => return Some("weekends".to_owned()),
        _ => {}
    }
    let names: Option<Vec<String>> = field.split(',').map(weekday).collect();
    let (last, first) = names.as_ref()?.split_last()?;
    Some(if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(", ")) })
}

fn weekday(name: &str) -> Option<String> {
    let number = number(name, 7).map(|day| day as usize % 7);
    let found = number.or_else(|| DAYS.iter().position(|(short, _)| *short == name))?;
    Some(format!("{}s", DAYS[found].1))
}

fn number(text: &str, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|number| *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schedule: &str, expected: &str) {
        assert_eq!(words(&serde_json::from_str(schedule).unwrap()), expected);
    }

    #[track_caller]
    fn cron(pattern: &str, expected: &str) {
        check(&format!(r#"{{"cron": "{pattern}", "zone": "Europe/Berlin"}}"#), expected);
    }

    #[test]
    fn schedules_as_people_say_them() {
        check(r#"{"every": "15m"}"#, "every 15 minutes");
        check(r#"{"every": "1h"}"#, "every hour");
        check(r#"{"every": "1h", "phase": "5m"}"#, "every hour, 5m in");
        check(r#"{"on": "*.memory.saved"}"#, "on *.memory.saved");
        check(r#"{"at": "2026-11-21T09:00:00Z"}"#, "once at 2026-11-21 09:00 UTC");
        check("{}", "when asked");
        check(r#"{"cron": "0 9 * * 1-5"}"#, "at 09:00 on weekdays, UTC");
        cron("0 9 * * 1-5", "at 09:00 on weekdays, Europe/Berlin");
        cron("0 9 * * MON-FRI", "at 09:00 on weekdays, Europe/Berlin");
        cron("30 2 * * *", "at 02:30 every day, Europe/Berlin");
        cron("@daily", "at 00:00 every day, Europe/Berlin");
        cron("0 9 * * 0,6", "at 09:00 on weekends, Europe/Berlin");
        cron("0 9 * * mon,3,fri", "at 09:00 on Mondays, Wednesdays and Fridays, Europe/Berlin");
        cron("0 9 * * 7", "at 09:00 on Sundays, Europe/Berlin");
        cron("0 9 15 * *", "at 09:00 on day 15 of the month, Europe/Berlin");
        cron("*/15 * * * *", "every 15 minutes");
        cron("5 * * * *", "every hour at :05");
        cron("@hourly", "every hour at :00");
        cron("* * * * *", "every minute");
        // No short sentence: 40 minutes do not fit an hour, and day and weekday are "or".
        cron("*/40 * * * *", "cron */40 * * * *, Europe/Berlin");
        cron("0 9 1 * 1", "cron 0 9 1 * 1, Europe/Berlin");
        cron("0 9 * 2 *", "cron 0 9 * 2 *, Europe/Berlin");
        cron("0 0 9 * * *", "cron 0 0 9 * * *, Europe/Berlin");
    }
}
