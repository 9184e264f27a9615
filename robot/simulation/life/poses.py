"""The postures that people take, as joint angles: key poses between which the simulated people move."""

from __future__ import annotations

from robot.simulation.life.skeleton import Pose

STAND = Pose()
SIT = Pose(pitch=2, left_hip=88, right_hip=84, left_knee=88, right_knee=84, hip_spread=7, left_arm=25, right_arm=25,
           left_elbow=55, right_elbow=55)  # fmt: skip
SIT_BACK = SIT._replace(pitch=-22, left_hip=66, right_hip=62, left_knee=80, right_knee=72, nod=15)
RISE = Pose(pitch=48, nod=-10, left_hip=105, right_hip=102, left_knee=75, right_knee=72, left_arm=45, right_arm=45,
            left_elbow=30, right_elbow=30)  # fmt: skip
SLUMP = SIT_BACK._replace(pitch=18, roll=16, nod=48, left_hip=104, right_hip=104, left_arm=5, right_arm=8)
TIE_SHOES = SIT._replace(
    pitch=62, left_hip=140, right_hip=128, nod=20, left_arm=75, right_arm=75, left_elbow=5, right_elbow=5
)
BEND = Pose(pitch=78, nod=10, left_hip=80, right_hip=74, left_knee=14, right_knee=10, left_arm=95, right_arm=80,
            left_elbow=8, right_elbow=8)  # fmt: skip
LEAN = Pose(pitch=38, nod=15, left_hip=38, right_hip=34, left_arm=60, right_arm=65, left_elbow=25, right_elbow=25)
CROUCH = Pose(pitch=34, nod=5, left_hip=135, right_hip=128, left_knee=132, right_knee=128, hip_spread=14, left_arm=50,
              right_arm=60, left_elbow=30, right_elbow=30)  # fmt: skip
KNEEL = Pose(pitch=4, nod=15, left_hip=4, right_hip=4, left_knee=92, right_knee=92, left_arm=35, right_arm=35,
             left_elbow=80, right_elbow=80)  # fmt: skip
KNEEL_ONE = Pose(pitch=22, nod=15, left_hip=112, right_hip=22, left_knee=92, right_knee=95, left_arm=45, right_arm=45,
                 left_elbow=30, right_elbow=30)  # fmt: skip
SIT_ON_HEELS = KNEEL._replace(pitch=8, left_hip=62, right_hip=62, left_knee=145, right_knee=145)
BOW_DOWN = Pose(pitch=78, nod=10, left_hip=125, right_hip=125, left_knee=140, right_knee=140, left_arm=150,
                right_arm=150, left_elbow=15, right_elbow=15)  # fmt: skip
ALL_FOURS = Pose(pitch=76, nod=-15, left_hip=80, right_hip=76, left_knee=92, right_knee=90, left_arm=78, right_arm=74,
                 left_elbow=6, right_elbow=6)  # fmt: skip
SIT_FLOOR = Pose(pitch=-14, nod=10, left_hip=98, right_hip=94, left_knee=24, right_knee=14, hip_spread=10, left_arm=-12,
                 right_arm=5, left_elbow=10, right_elbow=35)  # fmt: skip
ON_BACK = Pose(
    pitch=-90, nod=10, left_hip=2, right_hip=8, left_knee=5, right_knee=14, arm_spread=22, left_elbow=18, right_elbow=30
)
ON_SIDE_LEFT = Pose(pitch=-90, twist=88, nod=14, left_hip=35, right_hip=48, left_knee=50, right_knee=65, left_arm=45,
                    right_arm=38, left_elbow=70, right_elbow=55)  # fmt: skip
ON_SIDE_RIGHT = ON_SIDE_LEFT._replace(twist=-88, left_hip=48, right_hip=35)
ON_FACE = Pose(pitch=89, nod=-4, left_hip=4, right_hip=12, left_knee=6, right_knee=10, arm_spread=35, left_arm=2,
               right_arm=160, left_elbow=2, right_elbow=15)  # fmt: skip
SOFA_LIE = ON_BACK._replace(nod=28, pitch=-78, left_hip=16, right_hip=45, right_knee=55)
BRIDGE = ON_BACK._replace(left_hip=40, right_hip=40, left_knee=95, right_knee=95)
REACH_UP = STAND._replace(left_arm=140, right_arm=150, nod=-15)
EAT = SIT._replace(pitch=14, left_arm=40, right_arm=55, right_elbow=95, nod=18)

STUMBLE = Pose(pitch=46, nod=-12, left_hip=75, right_hip=20, left_knee=42, right_knee=38, arm_spread=35, left_arm=70,
               right_arm=60, left_elbow=20, right_elbow=20)  # fmt: skip
TIP_FORWARD = Pose(pitch=62, nod=-12, left_hip=40, right_hip=20, left_knee=58, right_knee=48, arm_spread=25,
                   left_arm=105, right_arm=100, left_elbow=20, right_elbow=20)  # fmt: skip
TIP_BACK = Pose(pitch=-48, nod=35, left_hip=40, right_hip=48, left_knee=32, right_knee=25, arm_spread=45, left_arm=40,
                right_arm=30, left_elbow=30, right_elbow=30)  # fmt: skip
TIP_LEFT = Pose(roll=48, pitch=10, nod=5, left_hip=25, right_hip=12, left_knee=45, right_knee=15, arm_spread=50)
TIP_RIGHT = TIP_LEFT._replace(roll=-48, left_hip=12, right_hip=25, left_knee=15, right_knee=45)
SLIP = Pose(
    pitch=-30, nod=25, left_hip=78, right_hip=55, left_knee=12, right_knee=40, arm_spread=55, left_arm=50, right_arm=20
)
CRUMPLE = Pose(pitch=20, nod=30, left_hip=115, right_hip=105, left_knee=140, right_knee=135, left_arm=10, right_arm=15)
FALLEN_LEFT = ON_SIDE_LEFT._replace(left_hip=20, right_hip=42, left_knee=30, right_knee=70)
FALLEN_RIGHT = ON_SIDE_RIGHT._replace(left_hip=42, right_hip=20, left_knee=70, right_knee=30)
SLID = Pose(pitch=-48, nod=40, left_hip=46, right_hip=54, left_knee=6, right_knee=18, hip_spread=10, arm_spread=25)
