"""Names that people give to classes, some sixty in each script, and the encodings that old zips hold them in."""

WORDS = {
    "chinese": """猫咪 小狗 飞机 汽车 鸟类 鹿 青蛙 马 轮船 卡车 苹果 香蕉 橙子 葡萄 西瓜 草莓 桃子 梨 樱桃 柠檬 玫瑰 向日葵 郁金香 雏菊
        蒲公英 大象 老虎 狮子 熊猫 猴子 兔子 松鼠 蝴蝶 蜘蛛 乌龟 螃蟹 鲨鱼 鲸鱼 正常 异常 划痕 裂纹 污渍 合格 不合格 健康 锈病 白粉病
        口罩 安全帽 桌子 椅子 沙发 电视 手机 键盘 雨伞 杯子 红灯 绿灯 停车 限速""",
    "traditional": """貓咪 小狗 飛機 汽車 鳥類 鹿 青蛙 馬 輪船 卡車 蘋果 香蕉 橘子 葡萄 西瓜 草莓 桃子 梨子 櫻桃 檸檬 玫瑰 向日葵 鬱金香
        雛菊 蒲公英 大象 老虎 獅子 熊貓 猴子 兔子 松鼠 蝴蝶 蜘蛛 烏龜 螃蟹 鯊魚 鯨魚 正常 異常 刮痕 裂紋 汙漬 合格 不合格 健康 鏽病
        口罩 安全帽 桌子 椅子 沙發 電視 手機 鍵盤 雨傘 杯子 紅燈 綠燈 停車 限速 公車""",
    "japanese": """ねこ いぬ 飛行機 自動車 鳥 鹿 カエル 馬 船 トラック りんご バナナ みかん ぶどう スイカ いちご 桃 梨 さくらんぼ レモン バラ
        ひまわり チューリップ 象 虎 ライオン パンダ 猿 うさぎ リス 蝶 クモ 亀 カニ サメ クジラ 正常 異常 傷 ひび割れ 汚れ 良品 不良品 健康
        さび病 マスク ヘルメット 机 椅子 ソファ テレビ 携帯電話 キーボード 傘 コップ 赤信号 青信号 表 裏 その他 寿司 ラーメン""",
    "korean": """고양이 강아지 비행기 자동차 새 사슴 개구리 말 배 트럭 사과 바나나 오렌지 포도 수박 딸기 복숭아 체리 레몬 장미 해바라기
        튤립 데이지 민들레 코끼리 호랑이 사자 판다 원숭이 토끼 다람쥐 나비 거미 거북이 게 상어 고래 정상 비정상 긁힘 균열 얼룩 양품 불량
        건강 마스크 안전모 책상 의자 소파 텔레비전 휴대폰 키보드 우산 컵 빨간불 초록불 정지 김치 비빔밥""",
    "western": """café Straße Käse Löwe Bär Kühe Mädchen Öl Übung Äpfel Schlüssel Brücke Tür Blüte grün weiß niño año piñata cigüeña
        pingüino jalapeño león delfín tiburón camión avión plátano limón maíz éléphant zèbre chèvre forêt fenêtre tête garçon
        français crème voilà été hôtel île ours-polaire chien-viseur blåbær ål sjö hjärta kött rødgrød grønt pão maçã avião coração
        città più caffè lumière poêle ananás Über""",
    "central": """źrebię żółw łódź ryba-śledź mąka ręka koń śnieg ćma gołąb wróbel słoń małpa lew-górski jabłko gruszka śliwka wiśnia
        cześć pająk kočka kůň kráva čáp žába ježek veverka medvěd děti řeka šťastný tučňák želva pštros jablko-zelené hruška třešeň růže
        žlutá červená modrá-světlá hüvely kutya-fehér macska-őz szőlő körte űr tűz egér tyúk nyúl ökör barna-ősz főút holló
        ľad vŕba kôň ďateľ ťava""",
    "turkish": """kuş sığır çığ aslan-dişi kaplumbağa balık fındık çilek kırmızı yeşil sarı gümüş ağaç çiçek gül-ağacı papatya-sarısı
        köpek eşek tavşan sincap-kızıl kartal-yavrusu güvercin serçe yılan kertenkele-yeşili böcek karınca arı örümcek kelebek-mavisi
        uçak gemi-büyük araba-kırık kamyon-ağır tır otobüs İstanbul Ünlü şişe bardağı kaşık bıçak çatal masa-ahşap döşeme üzüm
        portakal-dişi limon-sarı ıspanak soğan patlıcan havuç şeftali kayısı incir-kuru çürük sağlam ölçü""",
    "russian": """кошка собака самолёт автомобиль птица олень лягушка лошадь корабль грузовик яблоко банан апельсин виноград арбуз
        клубника персик груша вишня лимон роза подсолнух тюльпан ромашка одуванчик слон тигр лев панда обезьяна кролик белка бабочка
        паук черепаха краб акула кит норма брак царапина трещина пятно годен здоровый ржавчина маска каска стол стул диван телевизор
        телефон клавиатура зонт чашка Красный Зелёный СТОП рысь""",
    "greek": """γάτα σκύλος αεροπλάνο αυτοκίνητο πουλί ελάφι βάτραχος άλογο πλοίο φορτηγό μήλο μπανάνα πορτοκάλι σταφύλι καρπούζι
        φράουλα ροδάκινο αχλάδι κεράσι λεμόνι τριαντάφυλλο ηλιοτρόπιο τουλίπα μαργαρίτα ελέφαντας τίγρης λιοντάρι πάντα μαϊμού κουνέλι
        σκίουρος πεταλούδα αράχνη χελώνα καβούρι καρχαρίας φάλαινα κανονικό ελάττωμα γρατζουνιά ρωγμή λεκές υγιές σκουριά μάσκα κράνος
        τραπέζι καρέκλα καναπές τηλεόραση τηλέφωνο πληκτρολόγιο ομπρέλα φλιτζάνι κόκκινο πράσινο στοπ δέντρο σπίτι ψάρι""",
    "hebrew": """חתול כלב מטוס מכונית ציפור אייל צפרדע סוס אוניה משאית תפוח בננה תפוז ענבים אבטיח תות אפרסק אגס דובדבן לימון ורד
        חמנית צבעוני חרצית פיל נמר אריה פנדה קוף ארנב סנאי פרפר עכביש צב סרטן כריש לוויתן תקין פגום שריטה סדק כתם בריא חלודה מסכה
        קסדה שולחן כיסא ספה טלוויזיה טלפון מקלדת מטריה כוס אדום ירוק עצור עץ בית דג""",
    "arabic": """قطة كلب طائرة سيارة طائر غزال ضفدع حصان سفينة شاحنة تفاحة موز برتقال عنب بطيخ فراولة خوخ كمثرى كرز ليمون وردة
        عباد-الشمس توليب أقحوان فيل نمر أسد باندا قرد أرنب سنجاب فراشة عنكبوت سلحفاة سلطعون قرش حوت سليم معيب خدش شق بقعة صحي صدأ
        قناع خوذة طاولة كرسي أريكة تلفاز هاتف مظلة كوب أحمر أخضر قف شجرة بيت سمكة نخلة""",
    "thai": """แมว หมา เครื่องบิน รถยนต์ นก กวาง กบ ม้า เรือ รถบรรทุก แอปเปิล กล้วย ส้ม องุ่น แตงโม สตรอเบอร์รี่ ลูกพีช ลูกแพร์ เชอร์รี่
        มะนาว กุหลาบ ทานตะวัน ทิวลิป ช้าง เสือ สิงโต แพนด้า ลิง กระต่าย กระรอก ผีเสื้อ แมงมุม เต่า ปู ฉลาม วาฬ ปกติ ผิดปกติ รอยขีดข่วน
        รอยแตก คราบ ดี เสีย แข็งแรง หน้ากาก หมวกนิรภัย โต๊ะ เก้าอี้ โซฟา โทรทัศน์ โทรศัพท์ คีย์บอร์ด ร่ม ถ้วย แดง เขียว หยุด ต้นไม้ บ้าน ปลา""",
}
WORDS_OF = {script: tuple(words.split()) for script, words in WORDS.items()}

# Which encodings old tools write the names of a script in.
ENCODINGS_OF = {
    "chinese": ("gbk",),
    "traditional": ("big5", "gbk"),
    "japanese": ("shift_jis", "euc_jp"),
    "korean": ("euc_kr",),
    "western": ("cp850", "cp1252"),
    "central": ("cp852", "cp1250"),
    "turkish": ("cp857", "cp1254"),
    "russian": ("cp866", "cp1251", "koi8-r"),
    "greek": ("cp737", "cp1253"),
    "hebrew": ("cp862", "cp1255"),
    "arabic": ("cp720", "cp1256"),
    "thai": ("cp874",),
}
