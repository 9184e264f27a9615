"""The numbers of the fall rules, each with its source. Lengths in the person's own standing height H."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FallRules:
    """The numbers of the rules.

    Where no other source stands beside a number it comes from the prototype on 123 clips (UP-Fall, URFD, GMDCSA24),
    where sensitivity was 70/74 and specificity 48/49: development figures, chosen on the same clips.
    """

    window_s: float = 1.6  # a fall happens within this time
    head_speed_h_s: float = 0.55  # fastest fall of the head, H per second
    head_drop_h: float = 0.38  # how far the head came down, H
    hip_drop_h: float = 0.12  # the hips come down too, H: a bow, or lying down from the floor, moves the head only
    hip_window_s: float = 3.0  # within this time: a fall in two stages sits first; chosen
    roll_hip_h: float = 0.20  # out of bed: a mattress is 0.25-0.35 H high, seen from above somewhat less; chosen
    rolled_hip_h: float = 0.15  # and stay so much lower: a wild guess of the hips comes back; chosen
    roll_head_h: float = 0.10  # and the head comes along: drawing up the knees moves the hips only; chosen
    standing_leg_share: float = 0.44  # hip to ankle of the visible height: 0.51 standing, 0.39 on a chair; anatomy
    seated_leg_share: float = 0.15  # and less than this: on the floor
    tall_h: float = 0.9  # of who stands there: who sits is shorter, seen from below 30 degrees; anatomy
    tall_leg_h: float = 0.46  # and hip to ankle: 0.5 standing, 0.44 sitting, seen from 35 degrees above; anatomy
    rest_turn_h: float = 0.5  # whoever turns over on a sofa keeps the hips within this; chosen
    seated_s: float = 1.0  # for at least so long; chosen
    lower_seat_h: float = 0.06  # hips so much lower for that time: another seat (half of hip_drop_h); chosen
    seat_stay_s: float = 5.0  # who slides from a seat sat on it for so long: kneeling down looks like sitting; chosen
    slide_s: float = 6.0  # from a seat to the floor, slowly: low for so long; chosen
    left_bed_s: float = 5.0  # from the bed's zone to lying beside it, without standing: low for so long; chosen
    off_seat_hip_h: float = 0.25  # hips so much lower than on the seat: the floor (a seat is 0.27 H above it); anatomy
    off_seat_h: float = 0.35  # or lying so far from where they sat: half a metre, who lies down there does not; chosen
    slid_reach_h: float = 0.8  # and no further than that: who slides stays near the seat; chosen
    slide_step_h: float = 0.2  # the hips move no further than so between two looks,
    slide_h_s: float = 0.6  # if they move faster than this: half as fast as who falls off a seat (1.2 H/s); physics
    slides_for_s: float = 30.0  # a slow slide may take so long; chosen
    came_from_s: float = 10.0  # a seat or bed left longer ago explains nothing; chosen
    speed_over_s: tuple[float, float] = (0.18, 0.9)  # head speed is taken between frames this far apart
    confirm_s: float = 1.0  # low for so long: median delay 1.8 s after onset; 3 s delays by 3.7 s and finds no more
    sat_down_s: float = 10.0  # for so long when the trunk is upright: who sits can wait, or stand up again; chosen
    child_lies_s: float = 60.0  # for so long by a child in company: children play on the floor; chosen
    sitting_trunk_h: float = 0.30  # head above hips then: 0.40 seen level, from above less; anatomy
    confirm_share: float = 0.75  # share of frames that must be low meanwhile
    landed_h_s: float = 0.5  # hips no faster than this, H per second: 4 of 221 who fell are, 4 of 5 who walk past
    landed_over_s: float = 0.55  # measured over the last so long (simulated life, seeds 81-160, 201-250, 401-480)
    give_up_s: float = 2.0  # a drop after which nobody lay low was none
    lost_s: float = 0.7  # vanished for so long while falling: behind furniture or out of view
    aside_h: float = 0.35  # hips so far sideways since they stood: they walk out, and did not topple; chosen
    long_on_floor_s: float = 25.0  # slow slides show no drop
    moves_on_h: float = 0.2  # hips further than this from where they were: not the same spot; chosen
    busy_on_floor_s: float = 90.0  # moving about, or bowing where they sat (work, prayer): on purpose, so long; chosen
    bow_h: float = 0.7  # who bows on their knees is shorter than this; who lies stretched out is not; anatomy
    sits_on_floor_s: float = 600.0  # with the trunk upright: on purpose, until it lasts; chosen
    sits_again_s: float = 3600.0  # and asked about once in so long; chosen
    sitting_height_h: float = 0.35  # head above hips of who sits: 0.45-0.5, seen from above less; anatomy
    found_on_floor_s: float = 10.0  # the fall may have happened while the watcher was restarting (issue 2, kill tests)
    found_still_s: float = 3.0  # and of these the last so long on one spot (`moves_on_h`): a pet walks on; chosen
    start_s: float = 3.0  # who is first seen so soon after the start was there before it
    low_gap_s: float = 1.0  # a few frames of doubt do not restart the time on the floor; chosen, not measured
    recover_s: float = 1.5  # upright for so long: on their feet again
    rest_s: float = 10.0  # or in a felt bed for so long; chosen
    rearm_s: float = 10.0  # off the floor for so long, if only to sit: the next fall is a new one; chosen
    bed_feels_s: float = 30.0  # a pad feels somebody within so long; as alarms.bed_latency_s
    unseen_s: float = 35.0  # out of bed and not seen for so long: whoever is back in bed is felt by then; chosen
    night_walk_s: float = 600.0  # so long after leaving the bed; as alarms.bed_exit_tolerance_s
    stood_s: float = 3.0  # and on their feet so shortly before; chosen
    dim_level: float = 70.0  # of 255: night light or a lamp; half of a lit room (130, measured on clips; noise.yaml)
    walking_h_s: float = 0.6  # who moves so fast when last seen is on the way out; chosen
    watched_s: float = 3.0  # of the time on the floor so much was seen: a flicker on a blanket is nobody; chosen
    glimpse_s: float = 0.5  # who lies where somebody vanished is nobody if seen for less: a ghost lasts a look; chosen
    look_s: float = 0.6  # one sight vouches for so long at most: a look twice a second; chosen
    short_trunk_h: float = 0.25  # head above hips of who lies along the line of sight; standing or sitting 0.4; anatomy
    short_hip_h: float = 0.20  # and the hips came down so far, as in a bow they do not; chosen
    short_leg_h: float = 0.36  # or only sinking_hip_h, when the legs carry nobody: away from a low camera; seed 11
    nearer_leg_h: float = 0.55  # hip to ankle, 0.5 standing: longer are legs that come nearer the camera; anatomy
    floor_hip_h: float = 0.36  # after a drop: hips so far down sit on no seat (0.25 H down, a low sofa 0.3); anatomy
    farthest_hip_h: float = 1.0  # half a height down, and half a height nearer on the floor; anatomy
    small_h: float = (
        0.7  # of who stands there: who is shorter sits, is a child, or lies along the line of sight; chosen
    )
    sinking_h: float = 0.18  # head so far down since they stood, and the body shorter, when last seen; chosen
    sinking_h_s: float = 0.45  # and so fast, H per second: sitting down hard 0.35, the slowest fall 0.6 (seeds 401-423)
    sinking_size_h: float = 0.95  # so much of H is still seen at most; chosen
    sinking_hip_h: float = 0.06  # and the hips, as in a nod or a look down they do not; chosen
    sunk_s: float = 15.0  # vanished so, and nobody seen for so long: who bends or sits is seen again; chosen
    sunk_again_s: float = 600.0  # told so once in so long: children at play sink and vanish again and again; chosen
    company_s: float = 120.0  # and of nobody who had company so shortly before: they are missed by others; chosen
    rose_h: float = 0.20  # who got up has the head so much higher than it lay; chosen
    upright_deg: float = 35.0  # torso within this of the vertical
    lying_deg: float = 55.0  # torso beyond this is lying or bending
    inverted_deg: float = 110.0  # head below the hips
    low_height_h: float = 0.52  # the whole body lower than this
    standing_leg_h: float = 0.33  # ankles so far below the hips: bending or sitting, not lying
    min_joint_score: float = 0.25  # mean joint score to learn H from
    fastest_h_s: float = 7.0  # a head that falls freely from standing ends at 3.4 H/s (physics); twice that for errors
    frame_s: float = 0.1  # taken over no less than a frame at ten a second
    smooth_s: float = 0.45  # up to three postures no older than this are smoothed
    small_share: float = 0.20  # figures below this share of the frame's height are ignored: too few pixels
