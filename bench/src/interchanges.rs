//! Interchanges to read: purchase orders of many lines, as a buyer's system writes them.

use std::fmt::Write;

/// An interchange of so many 850, each with so many lines.
#[must_use]
pub fn x12(orders: usize, lines: usize) -> Vec<u8> {
    let mut text = String::from(
        "ISA*00*          *00*          *ZZ*ACME           *ZZ*BOLTS          *260131*0915*U*00401*000000007*0*P*>~\n\
         GS*PO*ACME*BOLTS*20260131*0915*7*X*004010~\n",
    );
    for order in 0..orders {
        let _ = write!(
            text,
            "ST*850*{order:09}~\nBEG*00*SA*45{order:08}**20260131~\nCUR*BY*EUR~\nREF*DP*038~\nN1*ST*Plant 1*92*P100~\nN3*Mill Lane 1~\n"
        );
        for line in 0..lines {
            let (number, quantity, cents) = (line + 1, line + 10, line % 100);
            let _ = write!(
                text,
                "PO1*{number}*{quantity}*EA*12.{cents:02}**BP*BOLT-M8-{line:05}*VP*V{line:07}~\n\
                 PID*F****Hexagon bolt M8 x {line} zinc plated~\nSCH*{quantity}*EA***002*20260301~\n"
            );
        }
        let _ = write!(text, "CTT*{lines}~\nSE*{}*{order:09}~\n", lines * 3 + 8);
    }
    let _ = write!(text, "GE*{orders}*7~\nIEA*1*000000007~\n");
    text.into_bytes()
}

/// An interchange of so many ORDERS, each with so many lines.
#[must_use]
pub fn edifact(orders: usize, lines: usize) -> Vec<u8> {
    let mut text = String::from("UNA:+.? '\nUNB+UNOC:3+ACME:14+BOLTS:14+260131:0915+7'\n");
    for order in 0..orders {
        let _ = write!(
            text,
            "UNH+{order}+ORDERS:D:96A:UN:EAN008'\nBGM+220+45{order:08}+9'\nDTM+137:20260131:102'\nNAD+BY+5412345000013::9'\nNAD+SU+4012345000008::9'\n"
        );
        for line in 0..lines {
            let (number, quantity, cents) = (line + 1, line + 10, line % 100);
            let _ = write!(
                text,
                "LIN+{number}++40008621{line:05}:EN'\nIMD+F++:::Hexagon bolt M8 x {line} zinc plated'\nQTY+21:{quantity}:PCE'\nPRI+AAA:12.{cents:02}'\n"
            );
        }
        let _ = write!(text, "UNS+S'\nCNT+2:{lines}'\nUNT+{}+{order}'\n", lines * 4 + 8);
    }
    let _ = writeln!(text, "UNZ+{orders}+7'");
    text.into_bytes()
}
