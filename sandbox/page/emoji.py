"""Slack's short names of the common emoji, and what they look like."""

import re

_TABLE = """
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|100 💯|alarm_clock ⏰|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️|arrow_up ⬆️
arrows_counterclockwise 🔄|ballot_box_with_check ☑️|bangbang ‼️|bar_chart 📊|bell 🔔|black_circle ⚫|blue_heart 💙
book 📖|boom 💥|bug 🐛|bulb 💡|bust_in_silhouette 👤|busts_in_silhouette 👥|calendar 📆|chart_with_upwards_trend 📈
chart_with_downwards_trend 📉|checkered_flag 🏁|clap 👏|clipboard 📋|clock1 🕐|closed_lock_with_key 🔐|computer 💻
construction 🚧|cry 😢|date 📅|desktop_computer 🖥️|door 🚪|earth_africa 🌍|earth_americas 🌎|earth_asia 🌏|email 📧
exclamation ❗|heavy_exclamation_mark ❗|eyes 👀|file_folder 📁|fire 🔥|flag-de 🇩🇪|flag-gb 🇬🇧|flag-us 🇺🇸
gear ⚙️|ghost 👻|globe_with_meridians 🌐|green_heart 💚|grin 😁|grinning 😀|hammer 🔨|hammer_and_wrench 🛠️|heart ❤️
heavy_check_mark ✔️|heavy_minus_sign ➖|heavy_plus_sign ➕|hourglass ⌛|hourglass_flowing_sand ⏳|house 🏠
inbox_tray 📥|information_source ℹ️|iphone 📱|joy 😂|key 🔑|large_blue_circle 🔵|large_green_circle 🟢
large_orange_circle 🟠|large_yellow_circle 🟡|large_blue_square 🟦|large_green_square 🟩|large_red_square 🟥|link 🔗
lock 🔒|lock_with_ink_pen 🔏|loudspeaker 📢|mag 🔍|mag_right 🔎|mailbox 📫|mega 📣|memo 📝|pencil 📝|money_with_wings 💸
no_bell 🔕|no_entry ⛔|no_entry_sign 🚫|ok 🆗|ok_hand 👌|outbox_tray 📤|package 📦|page_facing_up 📄|paperclip 📎
partying_face 🥳|pencil2 ✏️|point_down 👇|point_right 👉|pray 🙏|pushpin 📌|question ❓|raised_hand ✋|hand ✋
raised_hands 🙌|recycle ♻️|red_circle 🔴|relaxed ☺️|repeat 🔁|robot_face 🤖|rocket 🚀|rotating_light 🚨|satellite 📡
scream 😱|shield 🛡️|shrug 🤷|slightly_smiling_face 🙂|small_blue_diamond 🔹|small_orange_diamond 🔸|smile 😄|smiley 😃
snail 🐌|sos 🆘|sparkles ✨|speech_balloon 💬|star ⭐|stopwatch ⏱️|sunglasses 😎|tada 🎉|telephone_receiver 📞
thinking_face 🤔|timer_clock ⏲️|triangular_flag_on_post 🚩|unlock 🔓|warning ⚠️|wastebasket 🗑️|wave 👋|white_check_mark ✅
white_circle ⚪|white_large_square ⬜|black_large_square ⬛|wink 😉|wrench 🔧|x ❌|zap ⚡|zzz 💤|octagonal_sign 🛑
passport_control 🛂|customs 🛃|world_map 🗺️|airplane ✈️|ticket 🎫|vertical_traffic_light 🚦|woman-shrugging 🤷‍♀️
man-shrugging 🤷‍♂️|detective 🕵️|sleuth_or_spy 🕵️|new 🆕|up 🆙|red_square 🟥|double_vertical_bar ⏸️
black_square_for_stop ⏹️|arrow_forward ▶️|leftwards_arrow_with_hook ↩️|fast_forward ⏩|rewind ⏪|test_tube 🧪
"""

EMOJI: dict[str, str] = {
    name: picture for entry in re.split(r"[|\n]", _TABLE.strip()) for name, _, picture in [entry.partition(" ")]
}

_SHORTCODE = re.compile(r":([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?")


def with_emoji(text: str) -> str:
    """Put the pictures in place of the short names that we know; the rest stays as it was typed."""
    return _SHORTCODE.sub(lambda found: EMOJI.get(found[1], found[0]), text)
